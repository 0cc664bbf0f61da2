"""The main site's layout: found as it really is, or refused with what is missing and the fix."""

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from onboarding.betterauth.schema import Layout as FoundLayout
from onboarding.betterauth.schema import SchemaError, TableNames, discover
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.schemas import Schema, ScratchDatabase, create_scratch_database

TIMES = "timestamp with time zone or timestamp without time zone"


@pytest.fixture(scope="module")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "layouts") as made:
        yield made


def found(schema: Schema, names: TableNames | None = None, **settings: str) -> FoundLayout:
    return schema.run(lambda connection: discover(connection, names or TableNames()), **settings)


@pytest.mark.parametrize("name", ["auth", "Auth schema", 'a"b.c'])
def test_a_schema_is_found_by_its_configured_name_wherever_the_search_path_leads(
    scratch_database, name
):
    schema = scratch_database.create_schema(name, CAMEL.ddl())
    seen = found(schema, TableNames(schema=name), search_path="public")
    assert (seen.user.schema, seen.session.schema) == (name, name)
    with pytest.raises(SchemaError, match="search_path"):
        found(schema, TableNames(), search_path="public")


def test_the_first_schema_of_the_search_path_that_has_the_table_wins(scratch_database):
    scratch_database.create_schema("second", Layout(id_type="uuid").ddl())
    schema = scratch_database.create_schema("first")
    assert found(schema, search_path="first,second").user.types["id"] == "uuid"
    schema.sql(Layout(id_type="integer").ddl())
    seen = found(schema, search_path="first,second")
    assert (seen.user.schema, seen.user.types["id"]) == ("first", "integer")
    assert found(schema, TableNames(schema="second"), search_path="first").user.schema == "second"


CAMEL_COLUMNS = {"expiresAt": "expiresAt", "userId": "userId", "token": "token"}
VARIANTS = {
    "ADD COLUMN expires_at text, ADD COLUMN user_id text": CAMEL_COLUMNS,
    'ADD COLUMN tokens text, ADD COLUMN "Token" text': CAMEL_COLUMNS,
    'ADD COLUMN "impersonatedBy" text; ALTER TABLE session DROP COLUMN "impersonatedBy"': (
        CAMEL_COLUMNS
    ),
    'RENAME COLUMN "expiresAt" TO expires_at': {**CAMEL_COLUMNS, "expiresAt": "expires_at"},
}


@pytest.mark.parametrize("change", VARIANTS)
def test_only_columns_that_can_be_read_are_taken(scratch_database, change):
    schema = scratch_database.create_schema(
        f"variant_{list(VARIANTS).index(change)}", f"{CAMEL.ddl()};ALTER TABLE session {change}"
    )
    assert found(schema).session.columns == VARIANTS[change]


def test_a_renamed_column_is_found_by_the_name_it_was_given(scratch_database):
    schema = scratch_database.create_schema(
        "renamed",
        f"""{SNAKE_NAIVE.ddl()};
        ALTER TABLE "user" RENAME COLUMN email TO "E-Mail";
        ALTER TABLE "user" ADD COLUMN barred boolean;
        ALTER TABLE session RENAME COLUMN expires_at TO valid_until;
        ALTER TABLE session ADD COLUMN "expiresAt" text""",
    )
    names = TableNames(
        user_columns={"email": "E-Mail", "banned": "barred"},
        session_columns={"expiresAt": "valid_until"},
    )
    layout = found(schema, names)
    assert layout.user.columns | {"email": "E-Mail", "banned": "barred"} == layout.user.columns
    # The name that was given wins over the one that would be found.
    assert layout.session.columns["expiresAt"] == "valid_until"
    assert layout.session.columns["userId"] == "user_id"


@pytest.mark.parametrize("field", ["email", "banned"])
def test_a_column_that_was_named_must_be_there(scratch_database, field):
    schema = scratch_database.create_schema(f"misnamed_{field}", CAMEL.ddl())
    with pytest.raises(
        SchemaError, match=r"^table user has no column elsewhere: set BETTER_AUTH_USER_FIELDS="
    ):
        found(schema, TableNames(user_columns={field: "elsewhere"}))


# A change to the tables, and parts of the one line that names it.
MISFITS = {
    "no user table": ('DROP TABLE "user" CASCADE', "table user was not found|BETTER_AUTH_SCHEMA="),
    "no session table": (
        "DROP TABLE session",
        "table session was not found|BETTER_AUTH_SESSION_TABLE|session.storeSessionInDatabase",
    ),
    "no e-mail": ('ALTER TABLE "user" DROP COLUMN email', "table user has no column email"),
    "no user id": (
        'ALTER TABLE session RENAME COLUMN "userId" TO "user"',
        "table session has no column userId or user_id|BETTER_AUTH_SESSION_FIELDS=userId=user,",
    ),
    "an expiry in milliseconds": (
        'ALTER TABLE session ALTER COLUMN "expiresAt" TYPE bigint USING 0',
        f"column session.expiresAt is of type bigint|reads {TIMES}",
    ),
    "a token in bytes": (
        "ALTER TABLE session ALTER COLUMN token TYPE bytea USING ''",
        "column session.token is of type bytea|reads text",
    ),
    "an id that is a number with a fraction": (
        (
            'ALTER TABLE session DROP COLUMN "userId";'
            'ALTER TABLE "user" ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE numeric USING 0'
        ),
        "column user.id is of type numeric|reads text, uuid, smallint, integer or bigint",
    ),
}


@pytest.mark.parametrize("label", MISFITS)
def test_a_misfit_is_named_with_its_fix_in_one_line(scratch_database, label):
    change, parts = MISFITS[label]
    schema = scratch_database.create_schema(
        f"misfit_{list(MISFITS).index(label)}", f"{CAMEL.ddl()};{change}"
    )
    with pytest.raises(SchemaError) as misfit:
        found(schema)
    assert [part for part in parts.split("|") if part not in str(misfit.value)] == []
    assert "\n" not in str(misfit.value)


def test_a_table_name_is_never_more_than_a_name(scratch_database):
    schema = scratch_database.create_schema("names_only", CAMEL.ddl())
    for name in ('user"; DROP TABLE session; --', "user'; DROP TABLE session; --", "a.user", "*"):
        with pytest.raises(SchemaError, match="was not found"):
            found(schema, TableNames(user=name))
    assert found(schema).session.name == "session"
