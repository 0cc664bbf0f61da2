"""Tables that change, hide or go away are named, and are never a sign-out."""

import pytest
from sqlalchemy import make_url

from onboarding.database import SchemaMismatch
from onboarding.identity import Standing
from tests.identity.tables import KYSELY, assert_holds_nothing_of, identities_of
from tests.questionnaires import DEFAULT, create_profile_table, insert_profile, some_answers
from tests.schemas import Schema, ScratchDatabase, open_database

# A change to a running main site's tables, the way back, and what problems() says in between.
DRIFTS = {
    "the expiry is renamed": (
        'ALTER TABLE session RENAME COLUMN "expiresAt" TO valid_until',
        'ALTER TABLE session RENAME COLUMN valid_until TO "expiresAt"',
        "table session has no column expiresAt or expires_at",
    ),
    "our table is renamed": (
        "ALTER TABLE user_profile RENAME TO old_profile",
        "ALTER TABLE old_profile RENAME TO user_profile",
        "table user_profile is missing: run alembic upgrade head",
    ),
    "the app may not read the sessions any more": (
        "REVOKE SELECT ON session FROM identity_reader",
        "GRANT SELECT ON session TO identity_reader",
        "permission denied for table session",
    ),
}


@pytest.fixture(scope="module")
def drifting(scratch_database: ScratchDatabase) -> Schema:
    """A main site whose tables tests change and change back."""
    schema = scratch_database.create_schema("drifting", KYSELY.ddl())
    create_profile_table(schema.owner, DEFAULT)
    return schema


@pytest.fixture(scope="module")
def reader_url(drifting: Schema):
    """The drifting site's address for a role with the least rights."""
    drifting.sql("""
        CREATE ROLE identity_reader LOGIN PASSWORD 'reading';
        GRANT USAGE ON SCHEMA drifting TO identity_reader;
        GRANT SELECT ON session, "user" TO identity_reader;
        GRANT SELECT, INSERT, UPDATE ON user_profile TO identity_reader;
    """)
    return make_url(drifting.engine_url()).set(username="identity_reader", password="reading")


@pytest.mark.parametrize(("change", "back", "problem"), DRIFTS.values(), ids=DRIFTS)
def test_a_schema_that_drifts_away_is_no_sign_out_and_needs_no_restart(
    reader_url, drifting, change, back, problem
):
    user_id, token = KYSELY.sign_in(drifting)
    insert_profile(drifting.owner, user_id, some_answers(), is_onboarded=True)
    with open_database(reader_url) as database:
        identities = identities_of(database)
        assert identities.identify(token).standing is Standing.ONBOARDED
        drifting.sql(change)
        try:
            for _ in range(2):
                with pytest.raises(SchemaMismatch) as mismatch:
                    identities.identify(token)
                assert_holds_nothing_of(mismatch.value, token)
                found = identities.problems()
                assert [line for line in found if problem in line], found
        finally:
            drifting.sql(back)
        assert identities.identify(token).standing is Standing.ONBOARDED


def test_rows_that_the_role_can_not_see_are_no_sign_out(reader_url, drifting):
    _, token = KYSELY.sign_in(drifting)
    drifting.sql("ALTER TABLE session ENABLE ROW LEVEL SECURITY")
    try:
        with open_database(reader_url) as database:
            hides = "row-level security hides every row of session from this role"
            assert identities_of(database).problems() == [hides]
            with pytest.raises(SchemaMismatch, match=hides):
                identities_of(database).identify(token)
    finally:
        drifting.sql("ALTER TABLE session DISABLE ROW LEVEL SECURITY")


def test_a_user_profile_further_along_the_search_path_is_never_read(migrated):
    user_id, token = KYSELY.sign_in(migrated)
    insert_profile(migrated.owner, user_id, some_answers(), is_onboarded=True)
    migrated.database.create_schema("in_front")
    with (
        open_database(migrated.engine_url(search_path="in_front,migrated")) as database,
        pytest.raises(SchemaMismatch, match="table user_profile is missing"),
    ):
        identities_of(database).identify(token)


def test_a_read_only_database_is_named_and_read(migrated):
    _, token = KYSELY.sign_in(migrated)
    with open_database(migrated.engine_url(default_transaction_read_only="on")) as database:
        [problem] = identities_of(database).problems()
        assert "read-only" in problem
        assert identities_of(database).identify(token).standing is Standing.NOT_ONBOARDED


def test_a_database_without_a_main_site_is_named_and_found_later(scratch_database):
    schema = scratch_database.create_schema("empty")
    with open_database(schema.engine_url()) as database:
        identities = identities_of(database)
        [problem] = identities.problems()
        assert "table user was not found" in problem
        with pytest.raises(SchemaMismatch, match="table user was not found"):
            identities.identify("token")
        schema.sql(KYSELY.ddl())
        assert identities.problems() == ["table user_profile is missing: run alembic upgrade head"]
