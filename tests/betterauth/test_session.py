"""A token becomes a person as long as the session lives, in every layout and every time zone."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from devstack.postgres import Postgres
from onboarding.betterauth.schema import TableNames, discover
from onboarding.betterauth.session import SignedIn, select_signed_in, signed_in
from tests.betterauth.layouts import CAMEL, RENAMED, Layout
from tests.schemas import Schema, ScratchDatabase, create_scratch_database, open_database

NAIVE = "timestamp without time zone"
LAYOUTS = {
    "Kysely": Layout(plugins=True),
    "Prisma": Layout(plugins=True, time_type="timestamp(3) without time zone"),
    "Drizzle": Layout(plugins=True, time_type=NAIVE, snake_case=True),
    "serial": Layout(plugins=True, id_type="integer"),
    "odd names": Layout(plugins=True, user='we"ird %s 100% :user', session="select"),
    "renamed": Layout(plugins=True, renamed=RENAMED),
}


@pytest.fixture(scope="module")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "sessions") as made:
        yield made


@pytest.fixture(scope="module", params=LAYOUTS)
def main_site(request, scratch_database) -> tuple[Schema, Layout]:
    """Each layout in turn, with the columns of the admin and anonymous plugins."""
    layout = LAYOUTS[request.param]
    name = f"site_{list(LAYOUTS).index(request.param)}"
    return scratch_database.create_schema(name, layout.ddl()), layout


def looked_up(connection: Connection, names: TableNames, token: str) -> SignedIn | None:
    statement, _ = select_signed_in(discover(connection, names))
    row = connection.execute(statement, {"token": token}).one_or_none()
    return None if row is None else signed_in(row)


def look(schema: Schema, layout: Layout, token: str, **settings: str) -> SignedIn | None:
    """Return the signed-in user, None for a banned one."""
    seen = schema.run(lambda connection: looked_up(connection, layout.names, token), **settings)
    return None if seen and seen.banned else seen


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize(("margin", "is_in"), [("1 minute", True), ("-1 minute", False)])
def test_the_time_zone_of_the_connection_moves_neither_expiry_nor_ban(
    main_site, zone, margin, is_in
):
    schema, layout = main_site
    _, token = layout.sign_in(schema, expires_in=margin)
    _, banned = layout.sign_in(schema, banned=True, ban_expires_in=margin)
    assert (look(schema, layout, token, timezone=zone) is not None) is is_in
    assert (look(schema, layout, banned, timezone=zone) is None) is is_in


def test_at_the_very_instant_of_its_expiry_a_session_lives_and_just_after_it_does_not(main_site):
    schema, layout = main_site
    _, token = layout.sign_in(schema)
    shifts = {"0": True, "1 millisecond": True, "-1 millisecond": False}
    if "(3)" in layout.time_type:
        # Such a column rounds the instant itself up or down.
        del shifts["0"]
    with open_database(schema.engine_url()) as database:
        # now() stands still inside a transaction.
        transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
        for shift, is_in in shifts.items():
            with transactions.connect() as connection:
                connection.exec_driver_sql(layout.expire(shift))
                assert (looked_up(connection, layout.names, token) is not None) is is_in
                connection.rollback()


def test_a_signed_in_user_has_their_own_name_and_email(main_site):
    schema, layout = main_site
    user_id, token = layout.sign_in(schema, name="Grace <Hopper>", email="grace@navy.test")
    assert look(schema, layout, token) == SignedIn(
        *(user_id, "Grace <Hopper>", "grace@navy.test"),
        banned=False,
        anonymous=False,
        impersonated=False,
    )
    _, token = layout.sign_in(schema, impersonated_by=user_id)
    assert look(schema, layout, token).impersonated


@pytest.fixture(scope="module")
def plain_site(scratch_database) -> tuple[Schema, Layout]:
    return scratch_database.create_schema("plain", CAMEL.ddl()), CAMEL


@pytest.mark.parametrize(
    "end",
    ["DELETE FROM session", 'DELETE FROM "user"', "UPDATE session SET token = 'x' || token"],
)
def test_a_user_is_signed_out_at_once_when_the_session_ends(plain_site, end):
    schema, layout = plain_site
    _, token = layout.sign_in(schema)
    assert look(schema, layout, token) is not None
    schema.sql(end)
    assert look(schema, layout, token) is None


def test_only_the_token_itself_finds_the_session(plain_site):
    schema, layout = plain_site
    _, token = layout.sign_in(schema)
    near_misses = [token.swapcase(), f"{token} ", f" {token}", token[:-1], f"{token}0", f"{token}'"]
    for miss in [*near_misses, "", "%", "_" * 32, "' OR true --", "NULL"]:
        assert look(schema, layout, miss) is None
    assert look(schema, layout, token) is not None
