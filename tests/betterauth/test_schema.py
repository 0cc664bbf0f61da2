"""The main site's layout: found as it really is, or refused with what is missing and the mend."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from devstack.postgres import Postgres
from onboarding.betterauth.schema import Layout as FoundLayout
from onboarding.betterauth.schema import SchemaMisfit, TableNames, discover
from tests.betterauth.layouts import CAMEL, RENAMED, SNAKE_NAIVE, Layout
from tests.conftest import Stage
from tests.places import Place, Places, divided, engine_url, opened

TIMESTAMPTZ, NAIVE = "timestamp with time zone", "timestamp without time zone"


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "layouts") as made:
        yield made


def found(place: Place, names: TableNames | None = None, **settings: str) -> FoundLayout:
    return place.run(lambda connection: discover(connection, names or TableNames()), **settings)


LAYOUTS = {
    "Kysely": CAMEL,
    "Prisma": Layout(time_type="timestamp(3) without time zone"),
    "Drizzle": SNAKE_NAIVE,
    "Drizzle in camel case": Layout(time_type=NAIVE),
    "snake case with time zone": Layout(snake_case=True),
    "exact to the second": Layout(time_type="timestamp(0) with time zone"),
    "uuid": Layout(id_type="uuid"),
    "serial": Layout(id_type="integer"),
    "bigint": Layout(id_type="bigint", time_type=NAIVE, snake_case=True),
    "varchar": Layout(id_type="character varying(36)"),
    "plural": Layout(user="users", session="sessions"),
    "plural in snake case": Layout(user="users", session="user_sessions", snake_case=True),
    "capitals": Layout(user="User", session="Session"),
    "reserved words": Layout(user="order", session="select"),
    "odd names": Layout(user='we"ird %s 100% :user', session="Sitzung.ÄÖÜ 'x'; --"),
    "plugins": Layout(plugins=True),
    "plugins in snake case": Layout(plugins=True, snake_case=True, time_type=NAIVE),
    "renamed": Layout(plugins=True, renamed=RENAMED),
}


@pytest.mark.parametrize(("label", "layout"), LAYOUTS.items(), ids=LAYOUTS)
def test_a_layout_is_found_as_it_is(places: Places, label: str, layout: Layout) -> None:
    place = places.settle(f"is_{label.replace(' ', '_')}".lower(), layout.ddl())
    seen = found(place, layout.names)
    user_fields = ["id", "name", "email"] + ["banned", "banExpires", "isAnonymous"] * layout.plugins
    session_fields = ["token", "userId", "expiresAt"] + ["impersonatedBy"] * layout.plugins
    for table, name, fields in (
        (seen.user, layout.user, user_fields),
        (seen.session, layout.session, session_fields),
    ):
        assert (table.schema, table.name) == (place.schema, name)
        assert table.columns == {field: layout.column(field) for field in fields}
    id_type = layout.id_type.partition("(")[0]
    time_type = TIMESTAMPTZ if "with time" in layout.time_type else NAIVE
    assert seen.user.types["id"] == seen.session.types["userId"] == id_type
    assert seen.session.types["expiresAt"] == time_type
    assert seen.session.types["token"] == "text"
    assert seen.user.has("banned") is seen.session.has("impersonatedBy") is layout.plugins


@pytest.mark.parametrize(
    "schema", ["auth", "neon_auth", "Auth", "auth schema", 'a"b.c', "user"], ids=ascii
)
def test_a_schema_is_found_by_its_configured_name_wherever_the_search_path_leads(
    places: Places, schema: str
) -> None:
    place = places.settle(schema, CAMEL.ddl())
    seen = found(place, TableNames(schema=schema), search_path="public")
    assert (seen.user.schema, seen.session.schema) == (schema, schema)
    with pytest.raises(SchemaMisfit, match="search_path"):
        found(place, TableNames(), search_path="public")


def test_the_first_schema_of_the_search_path_that_has_the_table_wins(places: Places) -> None:
    places.settle("second", Layout(id_type="uuid").ddl())
    place = places.settle("first")
    assert found(place, search_path="first,second").user.types["id"] == "uuid"
    place.sql(Layout(id_type="integer").ddl())
    seen = found(place, search_path="first,second")
    assert (seen.user.schema, seen.user.types["id"]) == ("first", "integer")
    assert found(place, TableNames(schema="second"), search_path="first").user.schema == "second"


def test_the_real_main_site_has_the_layout_of_kysely(stage: Stage) -> None:
    with opened(engine_url(stage.app.database_url)) as database:
        seen = database.run(lambda connection: discover(connection, TableNames()))
    assert (seen.user.schema, seen.user.name) == ("public", "user")
    assert seen.session.columns["expiresAt"] == "expiresAt"
    assert seen.session.types["expiresAt"] == TIMESTAMPTZ
    assert seen.user.types["id"] == "text"


def test_the_layout_is_found_without_any_right_on_the_tables(places: Places) -> None:
    place = places.settle("without_rights", CAMEL.ddl())
    place.sql("CREATE ROLE nobody_much LOGIN PASSWORD 'nothing'")
    place.sql("GRANT USAGE ON SCHEMA without_rights TO nobody_much")
    url = make_url(place.url()).set(username="nobody_much", password="nothing")
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        seen = database.run(lambda connection: discover(connection, TableNames()))
    assert seen.user.schema == "without_rights"


BENT = {
    "camel case before snake case": (
        'ALTER TABLE session ADD COLUMN expires_at text, ADD COLUMN "user_id" text',
        {"expiresAt": "expiresAt", "userId": "userId", "token": "token"},
    ),
    "a mixed table": (
        'ALTER TABLE session RENAME COLUMN "expiresAt" TO expires_at',
        {"expiresAt": "expires_at", "userId": "userId", "token": "token"},
    ),
    "a dropped column of that name": (
        """
        ALTER TABLE session ADD COLUMN "impersonatedBy" text;
        ALTER TABLE session DROP COLUMN "impersonatedBy"
        """,
        {"expiresAt": "expiresAt", "userId": "userId", "token": "token"},
    ),
    "columns of the owner's own": (
        'ALTER TABLE session ADD COLUMN tokens text, ADD COLUMN "Token" text',
        {"expiresAt": "expiresAt", "userId": "userId", "token": "token"},
    ),
}


@pytest.mark.parametrize(("label", "bend", "columns"), [(k, *v) for k, v in BENT.items()], ids=BENT)
def test_only_columns_that_can_be_read_are_taken(
    places: Places, label: str, bend: str, columns: dict[str, str]
) -> None:
    place = places.settle(f"bent_{list(BENT).index(label)}", f"{CAMEL.ddl()};{bend}")
    assert found(place).session.columns == columns


def test_a_plugins_column_of_another_type_is_not_overlooked(places: Places) -> None:
    place = places.settle("odd_ban", f'{CAMEL.ddl()}; ALTER TABLE "user" ADD COLUMN banned text')
    with pytest.raises(SchemaMisfit, match=r"user\.banned is of type text"):
        found(place)


def test_a_view_will_do_for_a_table(places: Places) -> None:
    place = places.settle("with_views", Layout(user="people", session="visits").ddl())
    place.sql('CREATE VIEW "user" AS SELECT * FROM people; CREATE VIEW session AS TABLE visits')
    assert found(place).session.types["expiresAt"] == TIMESTAMPTZ


def test_a_renamed_column_is_found_by_the_name_it_was_given(places: Places) -> None:
    place = places.settle(
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
    layout = found(place, names)
    assert layout.user.columns == {
        "id": "id",
        "name": "name",
        "email": "E-Mail",
        "banned": "barred",
    }
    # The name that was given wins over the one that would be found.
    assert layout.session.columns == {
        "token": "token",
        "userId": "user_id",
        "expiresAt": "valid_until",
    }


@pytest.mark.parametrize("field", ["email", "banned"])
def test_a_column_that_was_named_must_be_there(places: Places, field: str) -> None:
    place = places.settle(f"misnamed_{field}", CAMEL.ddl())
    with pytest.raises(SchemaMisfit, match=r"^table user has no column elsewhere$"):
        found(place, TableNames(user_columns={field: "elsewhere"}))


MIGRATIONS = "run its own migrations first, or set BETTER_AUTH_SCHEMA"
MISFITS = {
    "no user table": ('DROP TABLE "user" CASCADE', ("table user was not found", MIGRATIONS)),
    "no session table": (
        "DROP TABLE session",
        (
            "table session was not found",
            "set BETTER_AUTH_SESSION_TABLE",
            "session.storeSessionInDatabase",
        ),
    ),
    "no id": (
        'ALTER TABLE "user" RENAME COLUMN id TO key',
        ("table user has no column id",),
    ),
    "no e-mail": ('ALTER TABLE "user" DROP COLUMN email', ("table user has no column email",)),
    "no token": (
        "ALTER TABLE session DROP COLUMN token",
        ("table session has no column token",),
    ),
    "no user id": (
        'ALTER TABLE session RENAME COLUMN "userId" TO "user"',
        ("table session has no column userId or user_id",),
    ),
    "no expiry": (
        'ALTER TABLE session RENAME COLUMN "expiresAt" TO "ExpiresAt"',
        ("table session has no column expiresAt or expires_at",),
    ),
    "an expiry in milliseconds": (
        'ALTER TABLE session ALTER COLUMN "expiresAt" TYPE bigint USING 0',
        ("column session.expiresAt is of type bigint", f"reads {TIMESTAMPTZ} or {NAIVE}"),
    ),
    "an expiry as a date": (
        'ALTER TABLE session ALTER COLUMN "expiresAt" TYPE date',
        ("column session.expiresAt is of type date",),
    ),
    "a token in bytes": (
        "ALTER TABLE session ALTER COLUMN token TYPE bytea USING ''",
        ("column session.token is of type bytea", "reads text or character varying"),
    ),
    "an id that is a number with a fraction": (
        """
        ALTER TABLE session DROP COLUMN "userId";
        ALTER TABLE "user" ALTER COLUMN id DROP DEFAULT, ALTER COLUMN id TYPE numeric USING 0
        """,
        ("column user.id is of type numeric", "uuid or integer or bigint"),
    ),
}


@pytest.mark.parametrize(
    ("label", "bend", "parts"), [(k, *v) for k, v in MISFITS.items()], ids=MISFITS
)
def test_a_misfit_is_named_with_its_mend_in_one_line(
    places: Places, label: str, bend: str, parts: tuple[str, ...]
) -> None:
    place = places.settle(f"misfit_{list(MISFITS).index(label)}", f"{CAMEL.ddl()};{bend}")
    with pytest.raises(SchemaMisfit) as misfit:
        found(place)
    assert [part for part in parts if part not in str(misfit.value)] == []
    assert "\n" not in str(misfit.value)


def test_a_schema_that_does_not_exist_is_named(places: Places) -> None:
    with pytest.raises(SchemaMisfit, match="not found in schema nowhere: see whether DATABASE_URL"):
        found(Place(places, "public"), TableNames(schema="nowhere"))


def test_a_table_name_is_never_more_than_a_name(places: Places) -> None:
    place = places.settle("names_only", CAMEL.ddl())
    for name in ('user"; DROP TABLE session; --', "user'; DROP TABLE session; --", "a.user", "*"):
        with pytest.raises(SchemaMisfit, match="was not found"):
            found(place, TableNames(user=name))
    assert found(place).session.name == "session"
