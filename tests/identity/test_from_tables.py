"""Who a visitor is, from the main site's tables: never a wrong answer when there is none."""

import secrets
import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import pytest
from sqlalchemy import make_url

from devstack.postgres import Postgres
from onboarding.betterauth.schema import discover
from onboarding.betterauth.session import select_signed_in
from onboarding.database import Database, SchemaMismatch, Unavailable
from onboarding.identity import SESSION_ENDED, SIGNED_OUT, Standing, TableIdentities
from onboarding.identity.from_tables import LAYOUT_LIFETIME_S
from onboarding.profiles import ProfileStore
from tests.betterauth.layouts import RENAMED, Layout
from tests.faults.proxy import Proxy, Verdict, let_pass
from tests.questionnaires import (
    ALL,
    DEFAULT,
    create_profile_table,
    insert_profile,
    some_answers,
)
from tests.schemas import (
    Schema,
    ScratchDatabase,
    create_scratch_database,
    engine_url,
    open_database,
)

NAIVE = "timestamp without time zone"
KYSELY, DRIZZLE = Layout(plugins=True), Layout(plugins=True, time_type=NAIVE, snake_case=True)
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
LAST = DEFAULT.names[-1]


def identities_of(database: Database, layout: Layout = KYSELY, **more: object) -> TableIdentities:
    return TableIdentities(database, layout.names, ProfileStore(database, DEFAULT), **more)


@pytest.fixture(scope="module")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "identities") as made:
        yield made


@pytest.fixture(scope="module")
def migrated(scratch_database: ScratchDatabase) -> Schema:
    """A main site that never changes, with our table."""
    schema = scratch_database.create_schema("migrated", KYSELY.ddl())
    schema.migrate()
    return schema


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


def test_while_one_request_discovers_the_layout_again_the_others_go_on(server, migrated):
    now = [0.0]
    _, token = KYSELY.sign_in(migrated)
    with (
        Proxy(server.port) as proxy,
        open_database(
            migrated.engine_url().set(port=proxy.port).update_query_dict({"sslmode": "disable"}),
            pool_size=2,
            read_budget_s=60,
        ) as database,
    ):
        identities = identities_of(database, clock=lambda: now[0])
        identities.identify(token)
        now[0] += LAYOUT_LIFETIME_S
        before = server.log_size()
        proxy.follow(lambda message: Verdict.PASS if message.number else Verdict.STALL)
        discovery = Thread(target=identities.identify, args=(token,), daemon=True)
        discovery.start()
        while not proxy.messages:
            time.sleep(0.01)
        for _ in range(3):
            assert identities.identify(token).standing is Standing.NOT_ONBOARDED
        statements = server.statements("onboarding", after=before)
        assert not any("pg_attribute" in statement for statement in statements)
        proxy.follow(let_pass)
        discovery.join()


# A change to a running main site's tables, the way back, and what problems() says in between.
DRIFTS = {
    "the expiry is renamed": (
        'ALTER TABLE session RENAME COLUMN "expiresAt" TO valid_until',
        'ALTER TABLE session RENAME COLUMN valid_until TO "expiresAt"',
        "table session has no column expiresAt or expires_at",
    ),
    "the session table is renamed": (
        "ALTER TABLE session RENAME TO old_session",
        "ALTER TABLE old_session RENAME TO session",
        "table session was not found",
    ),
    "our table is renamed": (
        "ALTER TABLE user_profile RENAME TO old_profile",
        "ALTER TABLE old_profile RENAME TO user_profile",
        "table user_profile is missing: run alembic upgrade head",
    ),
    "an answer is renamed": (
        f"ALTER TABLE user_profile RENAME COLUMN {LAST} TO renamed",
        f"ALTER TABLE user_profile RENAME COLUMN renamed TO {LAST}",
        f"column user_profile.{LAST} is missing: run alembic",
    ),
    "the app may not read the sessions any more": (
        "REVOKE SELECT ON session FROM identity_reader",
        "GRANT SELECT ON session TO identity_reader",
        "permission denied for table session",
    ),
}


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


def test_a_database_that_is_gone_is_unavailable_and_never_a_sign_out(server):
    with (
        create_scratch_database(server, "gone") as scratch_database,
        psycopg.connect(server.url(), autocommit=True) as root,
    ):
        schema = scratch_database.create_schema("site", KYSELY.ddl())
        schema.migrate()
        _, token = KYSELY.sign_in(schema)
        with open_database(schema.engine_url(), read_budget_s=1) as database:
            identities = identities_of(database)

            def assert_gone() -> None:
                for ask in (lambda: identities.identify(token), identities.problems):
                    with pytest.raises(Unavailable) as gone:
                        ask()
                    assert_holds_nothing_of(gone.value, token, server.password)

            def end_connections() -> None:
                root.execute(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                    " WHERE datname = 'gone'"
                )

            assert identities.identify(token).standing is Standing.NOT_ONBOARDED
            # A dropped connection is replaced without a failed request.
            end_connections()
            assert identities.identify(token).standing is Standing.NOT_ONBOARDED
            root.execute("ALTER DATABASE gone ALLOW_CONNECTIONS false")
            end_connections()
            assert_gone()
            root.execute("ALTER DATABASE gone ALLOW_CONNECTIONS true")
            assert identities.identify(token).standing is Standing.NOT_ONBOARDED
            server.drop_database("gone")
            assert_gone()


def assert_holds_nothing_of(error: BaseException, *hidden: str) -> None:
    text = "".join(traceback.format_exception(error)) + repr(error)
    assert [value for value in hidden if value in text] == []
