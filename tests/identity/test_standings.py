"""The session and the row decide who a visitor is, whatever the layout of the tables."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.betterauth.schema import discover
from onboarding.betterauth.session import select_signed_in
from onboarding.identity import SESSION_ENDED, SIGNED_OUT, Standing, TableIdentities
from onboarding.profiles import ProfileStore
from tests.betterauth.layouts import RENAMED, Layout
from tests.identity.tables import DRIZZLE, KYSELY, identities_of
from tests.questionnaires import ALL, create_profile_table, insert_profile, some_answers
from tests.schemas import Schema, engine_url, open_database

PRISMA = Layout(plugins=True, time_type="timestamp(3) without time zone")


# Each with the time zone of the app's connections.
LAYOUTS = {
    "Kysely": (KYSELY, "Asia/Tokyo"),
    "Prisma": (PRISMA, "America/New_York"),
    "Drizzle, west of UTC": (DRIZZLE, "America/New_York"),
    "Drizzle, east of UTC": (DRIZZLE, "Asia/Tokyo"),
    "uuid": (Layout(plugins=True, id_type="uuid"), "America/New_York"),
    "serial, plural": (
        Layout(id_type="integer", user="users", session="sessions", plugins=True),
        "UTC",
    ),
    "odd names": (Layout(user='we"ird %s 100% :user', session="select", plugins=True), "UTC"),
    "renamed": (Layout(plugins=True, renamed=RENAMED), "UTC"),
}


def create_main_site(migrated: Schema, name: str, layout: Layout) -> Schema:
    """Create another main site, its user_profile copied from the migrated one."""
    schema = migrated.database.create_schema(name, layout.ddl())
    schema.sql(
        "CREATE TABLE user_profile (LIKE migrated.user_profile INCLUDING ALL);"
        f"ALTER TABLE user_profile ALTER user_id TYPE {layout.id_type}"
        f" USING CAST(user_id AS {layout.id_type})"
    )
    return schema


# How a user signs in, whether their profile is final (None: no row), and their standing.
ENDED, OVER = {"expires_in": "-1 minute"}, {"banned": True, "ban_expires_in": "-1 minute"}


STANDINGS = {
    "no row": ({}, None, Standing.NOT_ONBOARDED),
    "a minute left": ({"expires_in": "1 minute"}, None, Standing.NOT_ONBOARDED),
    "a draft": ({}, False, Standing.NOT_ONBOARDED),
    "onboarded": ({}, True, Standing.ONBOARDED),
    "expired, no row": (ENDED, None, Standing.SESSION_ENDED),
    "expired, onboarded": (ENDED, True, Standing.SESSION_ENDED),
    "banned, onboarded": ({"banned": True}, True, Standing.BANNED),
    "banned and anonymous": ({"banned": True, "isAnonymous": True}, None, Standing.BANNED),
    "banned a minute more": ({"banned": True, "ban_expires_in": "1 minute"}, None, Standing.BANNED),
    "ban NULL": ({"banned": None, "ban_expires_in": "1 day"}, True, Standing.ONBOARDED),
    "banned, expired": ({"banned": True, **ENDED}, None, Standing.SESSION_ENDED),
    "ban over, onboarded": (OVER, True, Standing.ONBOARDED),
    "anonymous": ({"isAnonymous": True}, None, Standing.ANONYMOUS),
    "anonymous, onboarded": ({"isAnonymous": True}, True, Standing.ANONYMOUS),
    "not anonymous": ({"isAnonymous": False}, False, Standing.NOT_ONBOARDED),
}


@pytest.fixture(scope="module", params=LAYOUTS)
def site(request, migrated) -> Iterator[tuple[Schema, Layout, TableIdentities]]:
    layout, zone = LAYOUTS[request.param]
    schema = create_main_site(migrated, f"site_{list(LAYOUTS).index(request.param)}", layout)
    with open_database(schema.engine_url(timezone=zone)) as database:
        yield schema, layout, identities_of(database, layout)


@pytest.mark.parametrize(("how", "is_onboarded", "standing"), STANDINGS.values(), ids=STANDINGS)
def test_session_and_row_decide_the_standing(site, how, is_onboarded, standing):
    schema, layout, identities = site
    user_id, token = layout.sign_in(schema, **how)
    if is_onboarded is not None:
        insert_profile(schema.owner, user_id, some_answers(), is_onboarded=is_onboarded)
    identity = identities.identify(token)
    assert identity.standing is standing
    if standing is Standing.SESSION_ENDED:
        assert identity == SESSION_ENDED
    else:
        user = identity.user
        assert (user.user_id, user.name, identity.session_token) == (user_id, "Ada Lovelace", token)
        assert token not in f"{identity!r} {identity}"
        assert (identity.profile is None) is (is_onboarded is None)


def test_nobody_is_looked_up_without_a_token():
    with open_database(engine_url("postgres://u:p@127.0.0.1:1/nowhere")) as database:
        assert identities_of(database).identify(None) is SIGNED_OUT


@pytest.mark.parametrize("name", ALL)
def test_a_profile_comes_with_its_answers_and_its_times(scratch_database, name):
    questionnaire = ALL[name]
    schema = scratch_database.create_schema(f"questions_{name}", KYSELY.ddl())
    create_profile_table(schema.owner, questionnaire)
    user_id, token = KYSELY.sign_in(schema, name="Grace", email="grace@navy.test")
    answers = some_answers(questionnaire)
    insert_profile(schema.owner, user_id, answers, is_onboarded=True)
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, questionnaire)
        identities = TableIdentities(database, KYSELY.names, store)
        assert identities.problems() == []
        identity = identities.identify(token)
    assert (identity.user.name, identity.user.email) == ("Grace", "grace@navy.test")
    assert identity.profile.answers == answers
    assert identity.profile.is_onboarded is True
    age = datetime.now(UTC).replace(tzinfo=None) - identity.profile.created_at
    assert abs(age) < timedelta(minutes=1)
    assert identity.profile.updated_at == identity.profile.created_at


@pytest.mark.parametrize(("shift", "lives"), [("0", True), ("-1 millisecond", False)])
@pytest.mark.parametrize("layout", [KYSELY, DRIZZLE], ids=["Kysely", "Drizzle"])
def test_a_session_lives_at_the_very_instant_of_its_expiry(scratch_database, layout, shift, lives):
    schema = scratch_database.create_schema(f"instant_{secrets.token_hex(4)}", layout.ddl())
    _, token = layout.sign_in(schema)
    with open_database(schema.engine_url()) as database:
        # now() stands still inside a transaction.
        transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
        with transactions.connect() as connection:
            connection.exec_driver_sql(layout.expire(shift))
            statement, _ = select_signed_in(discover(connection, layout.names))
            found = connection.execute(statement, {"token": token}).all()
            connection.rollback()
    assert bool(found) is lives


def test_only_the_token_itself_finds_the_session(migrated):
    _, token = KYSELY.sign_in(migrated)
    near = [token.swapcase(), f"{token} ", token[:-1], f"{token}'", "", "%", "' OR true --"]
    with open_database(migrated.engine_url()) as database:
        identities = identities_of(database)
        assert {identities.identify(one).standing for one in near} == {Standing.SESSION_ENDED}
        assert identities.identify(token).standing is Standing.NOT_ONBOARDED
