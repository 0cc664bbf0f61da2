"""Main sites whose columns have other types than Better-Auth's own: each works from sign-in to profile."""

# ruff: noqa: S608 - statements are made of constants of ours

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from onboarding.betterauth.schema import TableNames
from onboarding.identity import SESSION_ENDED, Identity, Standing, TableIdentities
from onboarding.profiles import ProfileStore
from onboarding.questions import Answers
from tests.betterauth.layouts import CAMEL
from tests.questionnaires import DEFAULT, some_answers
from tests.schemas import ScratchDatabase, create_scratch_database, open_database

UUID, NUMBER = "0d9b8a3e-6a44-4a8e-9d3b-0c1f3a2b4c5d", "7"
# The types of the user's id, the session's user id, the e-mail address and the ban's end; and an id.
TYPES = {
    "citext e-mail": ("text", "text", "citext", "timestamptz", "ada"),
    "domains": ("short", "short", "short", "timestamptz", "ada"),
    "char(n) ids": ("character(36)", "character(36)", "text", "timestamptz", "ada"),
    "varchar and char(n)": ("varchar(36)", "character(36)", "name", "timestamp", "ada"),
    "citext ids": ("citext", "text", "text", "timestamptz", "ada"),
    "smallint ids": ("smallint", "integer", "text", "timestamptz", NUMBER),
    "uuid and text": ("uuid", "text", "text", "bigint", UUID),
    "text and uuid": ("text", "uuid", "text", "double precision", UUID),
    "integer and varchar": ("integer", "varchar(20)", "text", "bigint", NUMBER),
    "bigint and text": ("bigint", "text", "text", "numeric", NUMBER),
}


@pytest.fixture(scope="module")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "column_types") as made:
        made.owner.execute("CREATE EXTENSION citext SCHEMA pg_catalog")
        made.owner.execute("CREATE DOMAIN pg_catalog.short AS text CHECK (length(VALUE) < 100)")
        yield made


@pytest.mark.parametrize("name", TYPES)
def test_columns_of_other_types_work_from_sign_in_to_the_final_profile(
    scratch_database: ScratchDatabase, name: str
) -> None:
    user_id, session_user_id, email, ban_end, ada = TYPES[name]
    schema = scratch_database.create_schema(
        f"types_{list(TYPES).index(name)}",
        f"""
        CREATE TABLE "user" (id {user_id} PRIMARY KEY, name {email}, email {email}, banned boolean,
            "banExpires" {ban_end});
        CREATE TABLE session (token text UNIQUE, "userId" {session_user_id}, "expiresAt" timestamptz);
        INSERT INTO "user" VALUES ('{ada}', 'Ada', 'Ada@example.com');
        INSERT INTO session VALUES ('token', '{ada}', now() + interval '1 hour');
        """,
    )
    schema.migrate()
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, DEFAULT)
        identities = TableIdentities(database, TableNames(), store)

        def identify() -> Identity:
            return identities.identify("token")

        assert identities.problems() == []
        user = identify().user
        assert user
        assert (user.user_id, user.name, user.email) == (ada, "Ada", "Ada@example.com")
        store.complete(user.user_id, Answers(DEFAULT, some_answers()))
        assert identify().standing is Standing.ONBOARDED
        number = "extract(epoch FROM now()) * 1000 + {} * 3600000"
        time = "timezone('utc', now()) + {} * interval '1 hour'"
        end = {"timestamptz": "now() + {} * interval '1 hour'", "timestamp": time}
        for hours, standing in ((1, Standing.BANNED), (-1, Standing.ONBOARDED)):
            until = end.get(ban_end, number).format(hours)
            schema.sql(f'UPDATE "user" SET banned = true, "banExpires" = {until}')
            assert identify().standing is standing
        if session_user_id in ("text", "varchar(20)"):
            schema.sql("UPDATE session SET \"userId\" = 'no id at all'")
            assert identify() == SESSION_ENDED


@pytest.mark.parametrize("column", ["anonymous", "is_anonymous"])
def test_a_guest_is_known_by_a_column_that_an_orms_map_named(
    scratch_database: ScratchDatabase, column: str
) -> None:
    schema = scratch_database.create_schema(f"guests_{column}", CAMEL.ddl())
    schema.migrate()
    schema.sql(f'ALTER TABLE "user" ADD {column} boolean NOT NULL DEFAULT true')
    _, token = CAMEL.sign_in(schema)
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, DEFAULT)
        guest = TableIdentities(database, TableNames(), store).identify(token)
        assert guest.standing is Standing.ANONYMOUS
        # Unless the operator says that it means something else.
        names = TableNames(user_columns={"isAnonymous": ""})
        user = TableIdentities(database, names, store).identify(token)
        assert user.standing is Standing.NOT_ONBOARDED
