"""Who is this, and are they onboarded? One query, and never a wrong answer when there is none."""

import time
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import pytest
from sqlalchemy import make_url

from devstack.postgres import Postgres
from devstack.processes import free_port
from onboarding.betterauth.schema import TableNames
from onboarding.database import SchemaChanged, Unavailable
from onboarding.identity import SIGNED_OUT, Identity, Standing
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from onboarding.sources.tables import LAYOUT_LASTS_S, SharedTables
from tests.betterauth.layouts import RENAMED, Layout
from tests.conftest import Stage
from tests.faults.proxy import Proxy, let_pass, stall_at
from tests.places import Place, Places, divided, engine_url, opened
from tests.visitor import Person

NAIVE = "timestamp without time zone"
LAYOUTS = {
    "Kysely": Layout(plugins=True),
    "Prisma": Layout(plugins=True, time_type="timestamp(3) without time zone"),
    "Drizzle": Layout(plugins=True, time_type=NAIVE, snake_case=True),
    "uuid": Layout(plugins=True, id_type="uuid"),
    "serial, plural": Layout(id_type="integer", user="users", session="sessions", plugins=True),
    "odd names": Layout(user='we"ird %s 100% :user', session="select", plugins=True),
    "renamed": Layout(plugins=True, renamed=RENAMED),
}
KYSELY = LAYOUTS["Kysely"]


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "identities") as made:
        yield made


@pytest.fixture(scope="module")
def migrated(places: Places) -> Place:
    """A main site that never changes, with our table."""
    place = places.settle("migrated", KYSELY.ddl())
    place.migrate()
    return place


@pytest.fixture(scope="module")
def identities(migrated: Place) -> Iterator[SharedTables]:
    with opened(migrated.engine_url(), pool_size=3) as database:
        yield SharedTables(database, KYSELY.names)


def resettled(migrated: Place, schema: str, layout: Layout = KYSELY) -> Place:
    """Another main site, its user_profile copied from the migrated one."""
    place = migrated.places.settle(schema, layout.ddl())
    place.sql(
        "CREATE TABLE user_profile (LIKE migrated.user_profile INCLUDING ALL);"
        f"ALTER TABLE user_profile ALTER user_id TYPE {layout.id_type}"
        f" USING CAST(user_id AS {layout.id_type})"
    )
    return place


def onboard(place: Place, user_id: str, *, finished: bool) -> None:
    place.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)"
        " VALUES (%s, 'Advanced', 'None', %s)",
        *(user_id, finished),
    )


# How somebody signs in, what their profile is, and where they stand.
STANDINGS = {
    "no row": ({}, None, Standing.NOT_ONBOARDED),
    "a draft": ({}, False, Standing.NOT_ONBOARDED),
    "onboarded": ({}, True, Standing.ONBOARDED),
    "expired, no row": ({"expires_in": "-1 minute"}, None, Standing.SIGNED_OUT),
    "expired, onboarded": ({"expires_in": "-1 minute"}, True, Standing.SIGNED_OUT),
    "banned, onboarded": ({"banned": True}, True, Standing.BANNED),
    "banned and anonymous": ({"banned": True, "isAnonymous": True}, None, Standing.BANNED),
    "banned until tomorrow": ({"banned": True, "ban_expires_in": "1 day"}, None, Standing.BANNED),
    "banned, expired": ({"banned": True, "expires_in": "-1 day"}, None, Standing.SIGNED_OUT),
    "ban over, onboarded": ({"banned": True, "ban_expires_in": "-1 day"}, True, Standing.ONBOARDED),
    "anonymous": ({"isAnonymous": True}, None, Standing.ANONYMOUS),
    "anonymous, onboarded": ({"isAnonymous": True}, True, Standing.ANONYMOUS),
    "not anonymous": ({"isAnonymous": False}, False, Standing.NOT_ONBOARDED),
}


@pytest.fixture(scope="module", params=LAYOUTS.items(), ids=LAYOUTS)
def site(
    request: pytest.FixtureRequest, migrated: Place
) -> Iterator[tuple[Place, Layout, SharedTables]]:
    label, layout = request.param
    place = resettled(migrated, f"site_{list(LAYOUTS).index(label)}", layout)
    with opened(place.engine_url()) as database:
        yield place, layout, SharedTables(database, layout.names)


@pytest.mark.parametrize(("how", "finished", "standing"), STANDINGS.values(), ids=STANDINGS)
def test_everybody_stands_where_their_session_and_their_row_say(
    site: tuple[Place, Layout, SharedTables], how: dict, finished: bool | None, standing: Standing
) -> None:
    place, layout, identities = site
    user_id, token = layout.sign_in(place, **how)
    if finished is not None:
        onboard(place, user_id, finished=finished)
    seen = identities.of(token)
    assert seen.standing is standing
    if standing is Standing.SIGNED_OUT:
        assert seen == SIGNED_OUT
    else:
        assert seen.user is not None
        assert (seen.user.user_id, seen.session_token) == (user_id, token)
        assert (seen.profile is None) is (finished is None)


def test_a_profile_comes_with_its_answers_and_its_times(
    migrated: Place, identities: SharedTables
) -> None:
    user_id, token = KYSELY.sign_in(migrated, name="Grace", email="grace@navy.test")
    onboard(migrated, user_id, finished=True)
    seen = identities.of(token)
    assert seen.user is not None
    assert seen.profile is not None
    assert (seen.user.name, seen.user.email) == ("Grace", "grace@navy.test")
    assert seen.profile.answers == Answers(PythonProficiency.ADVANCED, DeveloperRole.NONE)
    assert seen.profile.is_onboarded is True
    age = datetime.now(UTC).replace(tzinfo=None) - seen.profile.created_at
    assert timedelta(0) <= age < timedelta(minutes=1)
    assert seen.profile.updated_at == seen.profile.created_at


def test_two_people_never_get_each_others_profile(
    migrated: Place, identities: SharedTables
) -> None:
    people = [KYSELY.sign_in(migrated) for _ in range(4)]
    for user_id, _ in people[::2]:
        onboard(migrated, user_id, finished=True)
    seen = [identities.of(token) for _, token in people]
    assert [one.user and one.user.user_id for one in seen] == [user_id for user_id, _ in people]
    assert [one.standing for one in seen] == [Standing.ONBOARDED, Standing.NOT_ONBOARDED] * 2


def test_an_administrator_in_somebodys_place_is_told(
    migrated: Place, identities: SharedTables
) -> None:
    admin, _ = KYSELY.sign_in(migrated)
    _, token = KYSELY.sign_in(migrated, impersonated_by=admin)
    seen = identities.of(token)
    assert seen.user is not None
    assert seen.user.impersonated is True
    assert seen.standing is Standing.NOT_ONBOARDED


def test_somebody_of_the_real_main_site_is_known_until_they_are_deleted(
    stage: Stage, real_ada: Person
) -> None:
    with opened(engine_url(stage.app.database_url)) as database:
        identities = SharedTables(database, TableNames())
        assert identities.check() == []
        seen = identities.of(real_ada.token)
        assert seen.user is not None
        assert (seen.user.user_id, seen.user.email) == (real_ada.user_id, real_ada.email)
        stage.sql('DELETE FROM "user" WHERE id = %s', real_ada.user_id)
        assert identities.of(real_ada.token) == SIGNED_OUT


def test_each_look_is_one_statement_and_none_without_a_token(
    server: Postgres, migrated: Place, identities: SharedTables
) -> None:
    user_id, token = KYSELY.sign_in(migrated)
    onboard(migrated, user_id, finished=True)
    assert identities.check() == []

    def statements(asked: str | None) -> int:
        before = server.log_size()
        identities.of(asked)
        return len(server.statements("onboarding", after=before))

    assert [statements(asked) for asked in (token, "unknown", None, token)] == [1, 1, 0, 1]


def test_the_layout_is_looked_for_at_the_first_need_and_kept(
    server: Postgres, migrated: Place
) -> None:
    _, token = KYSELY.sign_in(migrated)
    with opened(migrated.engine_url()) as database:
        database.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        identities = SharedTables(database, KYSELY.names)
        before = server.log_size()
        identities.of(None)
        assert server.statements("onboarding", after=before) == []
        for _ in range(3):
            identities.of(token)
        asked = server.statements("onboarding", after=before)
    assert ["pg_attribute" in statement for statement in asked] == [True, True] + [False] * 3


def test_while_one_looks_anew_the_others_go_on_with_what_was_found(
    server: Postgres, migrated: Place
) -> None:
    now = [0.0]
    _, token = KYSELY.sign_in(migrated)
    with (
        Proxy(server.port) as proxy,
        opened(migrated.engine_url().set(port=proxy.port), pool_size=2) as database,
    ):
        identities = SharedTables(database, KYSELY.names, lambda: now[0])
        identities.of(token)
        now[0] += LAYOUT_LASTS_S
        before = server.log_size()
        # The first thing that is asked from now on.
        proxy.follow(stall_at(1))
        looker = Thread(target=identities.of, args=(token,))
        looker.start()
        while not proxy.messages:
            time.sleep(0.01)
        for _ in range(3):
            assert identities.of(token).standing is Standing.NOT_ONBOARDED
        assert not any("pg_attribute" in one for one in asked(server, before))
        proxy.follow(let_pass)
        looker.join()
        assert sum("pg_attribute" in one for one in asked(server, before)) == 2
        assert identities.of(token).standing is Standing.NOT_ONBOARDED


def asked(server: Postgres, after: int) -> list[str]:
    return server.statements("onboarding", after=after)


# A change to a running main site's tables, the way back, and what check() says in between.
DRIFTS = {
    "the expiry is renamed": (
        'ALTER TABLE session RENAME COLUMN "expiresAt" TO valid_until',
        'ALTER TABLE session RENAME COLUMN valid_until TO "expiresAt"',
        "table session has no column expiresAt or expires_at",
    ),
    "the e-mail is renamed": (
        'ALTER TABLE "user" RENAME COLUMN email TO mail',
        'ALTER TABLE "user" RENAME COLUMN mail TO email',
        "table user has no column email",
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
        "ALTER TABLE user_profile RENAME COLUMN developer_role TO role",
        "ALTER TABLE user_profile RENAME COLUMN role TO developer_role",
        "column user_profile.developer_role is missing: run alembic",
    ),
}


@pytest.mark.parametrize(
    ("label", "change", "back", "fault"), [(k, *v) for k, v in DRIFTS.items()], ids=DRIFTS
)
def test_a_schema_that_drifts_away_is_named_and_found_again_without_a_restart(
    migrated: Place, label: str, change: str, back: str, fault: str
) -> None:
    place = resettled(migrated, f"drift_{list(DRIFTS).index(label)}")
    user_id, token = KYSELY.sign_in(place)
    onboard(place, user_id, finished=True)
    with opened(place.engine_url()) as database:
        identities = SharedTables(database, KYSELY.names)
        assert identities.of(token).standing is Standing.ONBOARDED
        place.sql(change)
        for _ in range(2):
            with pytest.raises(SchemaChanged) as changed:
                identities.of(token)
            assert isinstance(changed.value, Unavailable)
            assert token not in "".join(traceback.format_exception(changed.value))
            assert [line for line in identities.check() if fault in line], identities.check()
        place.sql(back)
        assert identities.of(token).standing is Standing.ONBOARDED


def test_a_main_site_that_changes_to_snake_case_is_followed_without_a_refusal(
    migrated: Place,
) -> None:
    place = resettled(migrated, "to_snake_case")
    _, token = KYSELY.sign_in(place)
    with opened(place.engine_url()) as database:
        identities = SharedTables(database, KYSELY.names)
        assert identities.of(token).standing is Standing.NOT_ONBOARDED
        place.sql('ALTER TABLE session RENAME COLUMN "userId" TO user_id')
        assert identities.of(token).standing is Standing.NOT_ONBOARDED


def test_a_right_that_is_taken_away_is_no_sign_out(migrated: Place) -> None:
    place = resettled(migrated, "rights")
    _, token = KYSELY.sign_in(place)
    place.sql("""
        CREATE ROLE identity_reader LOGIN PASSWORD 'reading';
        GRANT USAGE ON SCHEMA rights TO identity_reader;
        GRANT SELECT ON session, "user", user_profile TO identity_reader;
    """)
    url = make_url(place.url()).set(username="identity_reader", password="reading")
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        identities = SharedTables(database, KYSELY.names)
        assert identities.of(token).standing is Standing.NOT_ONBOARDED
        place.sql("REVOKE SELECT ON session FROM identity_reader")
        with pytest.raises(SchemaChanged, match="permission denied for table session"):
            identities.of(token)
        place.sql("GRANT SELECT ON session TO identity_reader")
        assert identities.of(token).standing is Standing.NOT_ONBOARDED


def test_a_right_that_only_the_look_itself_needs_is_missed_by_the_check(migrated: Place) -> None:
    migrated.sql("""
        CREATE ROLE identity_checker LOGIN PASSWORD 'checking';
        GRANT USAGE ON SCHEMA migrated TO identity_checker;
        GRANT SELECT, INSERT, UPDATE ON user_profile TO identity_checker;
        GRANT SELECT ON "user" TO identity_checker;
    """)
    url = make_url(migrated.url()).set(username="identity_checker", password="checking")
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        identities = SharedTables(database, KYSELY.names)
        [fault] = identities.check()
        assert "permission denied for table session" in fault
        migrated.sql(
            'GRANT SELECT (token, "userId", "expiresAt", "impersonatedBy")'
            " ON session TO identity_checker"
        )
        assert identities.check() == []


def test_a_check_of_what_fits_finds_nothing(identities: SharedTables) -> None:
    assert identities.check() == []


def test_a_database_without_a_main_site_is_named_at_the_check_and_at_the_look(
    places: Places,
) -> None:
    place = places.settle("empty")
    with opened(place.engine_url()) as database:
        identities = SharedTables(database, KYSELY.names)
        [fault] = identities.check()
        assert "table user was not found" in fault
        with pytest.raises(SchemaChanged, match="table user was not found"):
            identities.of("token")
        place.sql(KYSELY.ddl())
        assert identities.check() == [
            "table user_profile is missing: run alembic upgrade head",
        ]


def test_dropped_connections_are_replaced_without_the_visitor_noticing(
    migrated: Place, identities: SharedTables
) -> None:
    _, token = KYSELY.sign_in(migrated)
    for _ in range(3):
        assert identities.of(token).standing is Standing.NOT_ONBOARDED
        ended = migrated.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE application_name = 'onboarding' AND datname = 'identities'"
        )
        assert (True,) in ended
        assert identities.of(token).standing is Standing.NOT_ONBOARDED


def test_a_database_that_is_gone_is_unavailable_and_never_a_sign_out(server: Postgres) -> None:
    with divided(server, "gone") as places, psycopg.connect(server.url(), autocommit=True) as root:
        place = places.settle("site", KYSELY.ddl())
        place.migrate()
        _, token = KYSELY.sign_in(place)
        with opened(place.engine_url(), read_s=1) as database:
            identities = SharedTables(database, KYSELY.names)

            def assert_gone() -> None:
                for ask in (lambda: identities.of(token), identities.check):
                    with pytest.raises(Unavailable) as gone:
                        ask()
                    _assert_tells_nothing(gone.value, token, server.password)

            assert identities.of(token).standing is Standing.NOT_ONBOARDED
            root.execute("ALTER DATABASE gone ALLOW_CONNECTIONS false")
            root.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'gone'"
            )
            assert_gone()
            root.execute("ALTER DATABASE gone ALLOW_CONNECTIONS true")
            assert identities.of(token).standing is Standing.NOT_ONBOARDED
            server.drop_database("gone")
            assert_gone()


def test_a_port_where_nobody_listens_is_unavailable_at_once(server: Postgres) -> None:
    url = make_url(server.url()).set(port=free_port())
    token = "-".join(("a", "session", "token"))
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        identities = SharedTables(database, TableNames())
        with pytest.raises(Unavailable, match="refused") as gone:
            identities.of(token)
        _assert_tells_nothing(gone.value, token, server.password)
        assert identities.of(None) == SIGNED_OUT


def _assert_tells_nothing(error: BaseException, *hidden: str) -> None:
    told = "".join(traceback.format_exception(error)) + repr(error)
    assert [value for value in hidden if value in told] == []


def test_the_token_is_in_no_text_about_an_identity(
    migrated: Place, identities: SharedTables
) -> None:
    _, token = KYSELY.sign_in(migrated)
    seen = identities.of(token)
    assert seen.session_token == token
    assert token not in f"{seen!r} {seen}"


def test_nobody_is_signed_out() -> None:
    assert Identity().standing is Standing.SIGNED_OUT
    assert SIGNED_OUT.user is SIGNED_OUT.profile is SIGNED_OUT.session_token is None
