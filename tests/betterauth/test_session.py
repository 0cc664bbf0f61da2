"""A token becomes a person as long as the session lives, in every layout and every time zone."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, make_url

from devstack.postgres import Postgres
from onboarding.betterauth.schema import TableNames, discover
from onboarding.betterauth.session import SignedIn, select_signed_in, signed_in
from tests.betterauth.layouts import RENAMED, Layout
from tests.conftest import Stage
from tests.places import Place, Places, divided, engine_url, opened
from tests.visitor import Person

NAIVE = "timestamp without time zone"
LAYOUTS = {
    "Kysely": Layout(plugins=True),
    "Prisma": Layout(plugins=True, time_type="timestamp(3) without time zone"),
    "Drizzle": Layout(plugins=True, time_type=NAIVE, snake_case=True),
    "uuid": Layout(plugins=True, id_type="uuid"),
    "serial": Layout(plugins=True, id_type="integer"),
    "bigint": Layout(plugins=True, id_type="bigint", time_type=NAIVE, snake_case=True),
    "varchar": Layout(plugins=True, id_type="character varying(36)"),
    "odd names": Layout(plugins=True, user='we"ird %s 100% :user', session="select"),
    "renamed": Layout(plugins=True, renamed=RENAMED),
}


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "sessions") as made:
        yield made


@pytest.fixture(scope="module", params=LAYOUTS.values(), ids=LAYOUTS)
def home(request: pytest.FixtureRequest, places: Places) -> tuple[Place, Layout]:
    """Each layout in turn, with the columns of the admin and anonymous plugins."""
    schema = f"home_{list(LAYOUTS.values()).index(request.param)}"
    return places.settle(schema, request.param.ddl()), request.param


@pytest.fixture(scope="module")
def kysely(places: Places) -> tuple[Place, Layout]:
    return places.settle("kysely", LAYOUTS["Kysely"].ddl()), LAYOUTS["Kysely"]


def looked_up(connection: Connection, names: TableNames, token: str) -> SignedIn | None:
    statement, _ = select_signed_in(discover(connection, names))
    row = connection.execute(statement, {"token": token}).one_or_none()
    return None if row is None else signed_in(row)


def look(place: Place, layout: Layout, token: str, **settings: str) -> SignedIn | None:
    """Give who is in; a banned person is found, and yet out."""
    seen = place.run(lambda connection: looked_up(connection, layout.names, token), **settings)
    return None if seen and seen.banned else seen


# How somebody signs in, and whether they are in.
LIVES = {
    "live": ({}, True),
    "live for a second more": ({"expires_in": "1 second"}, True),
    "expired a millisecond ago": ({"expires_in": "-1 millisecond"}, False),
    "expired a day ago": ({"expires_in": "-1 day"}, False),
    "banned: NULL": ({"banned": None}, True),
    "banned: false": ({"banned": False}, True),
    "banned for good": ({"banned": True}, False),
    "banned until tomorrow": ({"banned": True, "ban_expires_in": "1 day"}, False),
    "banned until yesterday": ({"banned": True, "ban_expires_in": "-1 day"}, True),
    "not banned, yet with a date": ({"banned": False, "ban_expires_in": "1 day"}, True),
    "ban NULL, yet with a date": ({"banned": None, "ban_expires_in": "1 day"}, True),
    "ban over, session expired": (
        {"banned": True, "ban_expires_in": "-1 day", "expires_in": "-1 day"},
        False,
    ),
    "anonymous": ({"isAnonymous": True}, True),
    "anonymous and banned": ({"isAnonymous": True, "banned": True}, False),
}


@pytest.mark.parametrize(("how", "is_in"), LIVES.values(), ids=LIVES)
def test_somebody_is_in_exactly_while_their_session_lives_and_no_ban_does(
    home: tuple[Place, Layout], how: dict, is_in: bool
) -> None:
    place, layout = home
    user_id, token = layout.sign_in(place, **how)
    seen = look(place, layout, token)
    assert (seen is not None) is is_in
    if seen is not None:
        assert seen.user_id == user_id
        assert seen.anonymous is how.get("isAnonymous", False)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize(("margin", "is_in"), [("1 minute", True), ("-1 minute", False)])
def test_the_time_zone_of_the_connection_moves_neither_expiry_nor_ban(
    home: tuple[Place, Layout], zone: str, margin: str, is_in: bool
) -> None:
    place, layout = home
    _, token = layout.sign_in(place, expires_in=margin)
    _, banned = layout.sign_in(place, banned=True, ban_expires_in=margin)
    assert (look(place, layout, token, timezone=zone) is not None) is is_in
    assert (look(place, layout, banned, timezone=zone) is None) is is_in


def test_at_the_very_instant_of_its_expiry_a_session_lives_and_just_after_it_does_not(
    home: tuple[Place, Layout],
) -> None:
    place, layout = home
    _, token = layout.sign_in(place)
    shifts = {"0": True, "1 millisecond": True, "-1 millisecond": False}
    if "(3)" in layout.time_type:
        # Such a column rounds the instant itself up or down.
        del shifts["0"]
    with opened(place.engine_url()) as database:
        # now() stands still inside a transaction.
        transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
        for shift, is_in in shifts.items():
            with transactions.connect() as connection:
                connection.exec_driver_sql(layout.expire(shift))
                assert (looked_up(connection, layout.names, token) is not None) is is_in
                connection.rollback()


def test_who_is_in_has_their_own_name_and_address(home: tuple[Place, Layout]) -> None:
    place, layout = home
    user_id, token = layout.sign_in(place, name="Grace <Hopper>", email="grace@navy.test")
    assert look(place, layout, token) == SignedIn(
        user_id,
        "Grace <Hopper>",
        "grace@navy.test",
        banned=False,
        anonymous=False,
        impersonated=False,
    )


def test_an_administrator_behind_a_session_is_told(home: tuple[Place, Layout]) -> None:
    place, layout = home
    admin, _ = layout.sign_in(place)
    _, token = layout.sign_in(place, impersonated_by=admin)
    seen = look(place, layout, token)
    assert seen is not None
    assert seen.impersonated is True


def test_a_banned_person_is_told_from_a_stranger(kysely: tuple[Place, Layout]) -> None:
    place, layout = kysely
    user_id, token = layout.sign_in(place, banned=True, ban_expires_in="1 day")
    seen = place.run(lambda connection: looked_up(connection, layout.names, token))
    assert seen is not None
    assert (seen.user_id, seen.banned) == (user_id, True)


ENDS = {
    "the session is deleted": "DELETE FROM session",
    "the user is deleted": 'DELETE FROM "user"',
    "the token is changed": "UPDATE session SET token = 'x' || token",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_somebody_is_out_at_once_when_their_session_ends(places: Places, end: str) -> None:
    layout = Layout()
    place = places.settle(f"ends_{list(ENDS.values()).index(end)}", layout.ddl())
    _, token = layout.sign_in(place)
    with opened(place.engine_url()) as database:

        def seen() -> SignedIn | None:
            return database.run(lambda connection: looked_up(connection, layout.names, token))

        assert seen() is not None
        place.sql(end)
        assert seen() is None


def test_a_session_whose_user_is_gone_signs_nobody_in(places: Places) -> None:
    layout = Layout()
    place = places.settle("orphans", layout.ddl())
    place.sql('ALTER TABLE session DROP CONSTRAINT "session_userId_fkey"')
    _, token = layout.sign_in(place)
    place.sql('DELETE FROM "user"')
    assert place.sql("SELECT count(*) FROM session") == [(1,)]
    assert look(place, layout, token) is None


def test_only_the_token_itself_finds_the_session(kysely: tuple[Place, Layout]) -> None:
    place, layout = kysely
    _, token = layout.sign_in(place)
    near_misses = [token.swapcase(), f"{token} ", f" {token}", token[:-1], f"{token}0", f"{token}'"]
    for miss in [*near_misses, "", "%", "_" * 32, "' OR true --", "NULL"]:
        assert look(place, layout, miss) is None
    assert look(place, layout, token) is not None


def test_without_the_plugins_nobody_is_banned_anonymous_or_impersonated(places: Places) -> None:
    layout = Layout()
    place = places.settle("plain", layout.ddl())
    user_id, token = layout.sign_in(place)
    seen = look(place, layout, token)
    assert seen is not None
    assert seen.user_id == user_id
    assert (seen.banned, seen.anonymous, seen.impersonated) == (False, False, False)


def test_a_ban_without_a_column_for_its_end_lasts(places: Places) -> None:
    layout = Layout()
    place = places.settle("bans_for_good", layout.ddl())
    place.sql('ALTER TABLE "user" ADD COLUMN banned boolean')
    for banned, is_in in ((True, False), (False, True), (None, True)):
        _, token = layout.sign_in(place, banned=banned)
        assert (look(place, layout, token) is not None) is is_in


def test_a_session_of_the_real_main_site_is_read_as_it_wrote_it(
    stage: Stage, real_ada: Person
) -> None:
    with opened(engine_url(stage.app.database_url)) as database:
        seen = database.run(lambda connection: looked_up(connection, TableNames(), real_ada.token))
    assert seen == SignedIn(real_ada.user_id, real_ada.name, real_ada.email, False, False, False)


def test_looking_needs_no_more_than_the_right_to_read_ten_columns_and_writes_nothing(
    kysely: tuple[Place, Layout],
) -> None:
    place, layout = kysely
    user_id, token = layout.sign_in(place)
    place.sql("""
        CREATE ROLE session_reader LOGIN PASSWORD 'reading';
        GRANT USAGE ON SCHEMA kysely TO session_reader;
        GRANT SELECT (id, name, email, banned, "banExpires", "isAnonymous") ON "user" TO session_reader;
        GRANT SELECT (token, "userId", "expiresAt", "impersonatedBy") ON session TO session_reader;
    """)
    before = place.sql("SELECT xmin, * FROM session ORDER BY id")
    url = make_url(place.url(default_transaction_read_only="on"))
    url = url.set(username="session_reader", password="reading")
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        seen = database.run(lambda connection: looked_up(connection, layout.names, token))
    assert seen is not None
    assert seen.user_id == user_id
    assert place.sql("SELECT xmin, * FROM session ORDER BY id") == before


def test_the_session_and_its_user_are_found_by_index(home: tuple[Place, Layout]) -> None:
    place, layout = home
    place.sql(layout.crowd(2000))

    def work(connection: Connection) -> str:
        statement, _ = select_signed_in(discover(connection, layout.names))
        compiled = str(statement.compile(dialect=connection.dialect))
        plan = connection.exec_driver_sql(f"EXPLAIN {compiled}", {"token": "crowd-7"})
        return "\n".join(line for (line,) in plan)

    plan = place.run(work)
    assert "Seq Scan" not in plan
    assert f"{layout.session}_token_key" in plan
    assert plan.count("Index Scan") == 2
