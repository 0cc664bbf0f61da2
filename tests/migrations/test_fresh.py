"""`alembic upgrade head` on a fresh database: our table appears, all others stay as they are."""

import re

import pytest

from onboarding.betterauth.schema import TableNames
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.migrations.catalog import (
    USERS,
    VERSION_TABLE,
    assert_works,
    catalog,
    catalog_without_ours,
    error_line,
    run,
    schema_problems,
    tables,
)
from tests.questionnaires import DEFAULT, insert_profile, some_answers
from tests.schemas import Schema, ScratchDatabase, alembic, alembic_in_new_process

pytestmark = pytest.mark.slow

FRESH = {
    "uuid ids in snake case": Layout(
        id_type="uuid", snake_case=True, time_type="timestamp without time zone"
    ),
    "integer ids, plural names": Layout(id_type="integer", user="users", session="sessions"),
    "varchar ids": Layout(id_type="character varying(36)"),
    "odd names": Layout(id_type="bigint", user='we"ird %s 100% :user', session="select"),
}


@pytest.mark.parametrize("label", FRESH)
def test_a_fresh_database_gets_our_table_and_nothing_else_changes(scratch_database, label):
    layout = FRESH[label]
    schema = scratch_database.create_schema(f"fresh_{list(FRESH).index(label)}", layout.ddl())
    before = catalog(schema)
    environ = {"BETTER_AUTH_USER_TABLE": layout.user, "BETTER_AUTH_SESSION_TABLE": layout.session}
    run(schema, "upgrade", "head", **environ)
    assert catalog_without_ours(schema) == before
    assert tables(schema) == {layout.user, layout.session, "user_profile", VERSION_TABLE}
    [(kind,)] = schema.sql(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'user_profile'::regclass AND attname = 'user_id'"
    )
    assert kind == layout.id_type.partition("(")[0]
    assert_works(schema, layout, layout.names, **environ)


def test_a_main_site_in_another_schema_is_referred_to_and_ours_stands_beside(scratch_database):
    auth = "Neon Auth"
    home = scratch_database.create_schema(auth, SNAKE_NAIVE.ddl())
    schema = scratch_database.create_schema("beside")
    before = catalog(home)
    run(schema, "upgrade", "head", BETTER_AUTH_SCHEMA=auth)
    assert catalog(home) == before
    assert tables(schema) == {"user_profile", VERSION_TABLE}
    assert_works(schema, SNAKE_NAIVE, TableNames(schema=auth), BETTER_AUTH_SCHEMA=auth)


EXTRA = """
    CREATE TABLE account (id text PRIMARY KEY, "userId" text NOT NULL REFERENCES "user" (id)
        ON DELETE CASCADE, password text);
    CREATE INDEX "account_userId_idx" ON account ("userId");
    CREATE TABLE verification (id text PRIMARY KEY, identifier text NOT NULL);
    CREATE TABLE jwks (id text PRIMARY KEY, "publicKey" text NOT NULL);
    CREATE TABLE "rateLimit" (id text PRIMARY KEY, count integer);
    CREATE TABLE user_profile_picture (user_id text REFERENCES "user" (id), url text);
    CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);
    INSERT INTO alembic_version VALUES ('somebody-elses');
    CREATE VIEW everybody AS SELECT * FROM "user";
    CREATE SEQUENCE numbers;
    ALTER TABLE "user" ADD COLUMN "favouriteColour" text DEFAULT 'blue';
"""


@pytest.fixture(scope="module")
def main_site(scratch_database: ScratchDatabase) -> Schema:
    """A main site with many tables of its own, and ours among them."""
    schema = scratch_database.create_schema("main_site", CAMEL.ddl() + EXTRA)
    before = catalog(schema)
    done = alembic_in_new_process(schema.url(), "upgrade", "head")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"(user_profile is at revision \w+\n)+", done.stdout)
    assert catalog_without_ours(schema) == before
    return schema


def test_a_second_run_is_harmless_and_nothing_is_proposed_about_tables_of_others(main_site):
    before = catalog(main_site)
    main_site.sql(USERS)
    insert_profile(main_site.owner, "ada", some_answers(), is_onboarded=True)
    rows = main_site.sql("SELECT ctid, xmin, * FROM user_profile")
    run(main_site, "upgrade", "head")
    run(main_site, "check")
    assert catalog(main_site) == before
    assert main_site.sql("SELECT ctid, xmin, * FROM user_profile") == rows
    assert main_site.sql("SELECT * FROM alembic_version") == [("somebody-elses",)]


def test_a_missing_constraint_is_found_and_restored(main_site):
    before = catalog(main_site)
    main_site.sql(f"""
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        ALTER TABLE user_profile DROP CONSTRAINT ck_user_profile_{DEFAULT.names[0]};
        ALTER TABLE user_profile ALTER is_onboarded DROP NOT NULL, ALTER created_at DROP DEFAULT;
        DROP TRIGGER user_profile_is_final ON user_profile;
        DROP FUNCTION user_profile_is_final;
    """)
    line = error_line(alembic(main_site.url(), "check"))
    assert "New upgrade operations detected" in line
    assert {"user_id", "is_onboarded"} <= set(re.findall(r"\w+", line))
    found = schema_problems(main_site)
    assert len(found) == 4
    # As each of them says:
    fix = "run alembic stamp base, then alembic upgrade head"
    assert all(problem.fix.startswith(fix) for problem in found)
    run(main_site, "stamp", "base")
    run(main_site, "upgrade", "head")
    assert catalog(main_site) == before
    assert schema_problems(main_site) == []


def test_a_downgrade_is_refused_and_takes_nothing(main_site):
    before = catalog(main_site)
    for target in ("base", "-1"):
        line = error_line(alembic(main_site.url(), "downgrade", target))
        assert "the answers are kept for good" in line
    assert catalog(main_site) == before


def test_a_missing_right_is_named_in_one_line_and_nothing_changes(scratch_database):
    schema = scratch_database.create_schema("no_rights", CAMEL.ddl())
    schema.sql("""
        CREATE ROLE migrator LOGIN PASSWORD 'migrating';
        GRANT USAGE, CREATE ON SCHEMA no_rights TO migrator;
    """)
    address = re.sub(r"//.*@", "//migrator:migrating@", schema.url())
    before = catalog(schema)
    assert "the database refused: permission denied for table user" in error_line(
        alembic(address, "upgrade", "head")
    )
    assert catalog(schema) == before
    schema.sql('GRANT REFERENCES (id) ON "user" TO migrator')
    assert alembic(address, "upgrade", "head").returncode == 0
    assert schema_problems(schema) == []


@pytest.mark.parametrize(
    ("url", "status", "line"),
    [
        (None, 2, "DATABASE_URL is missing"),
        ("postgres://u:hush@", 2, "DATABASE_URL must name a host and a database"),
        ("postgres://u:hush@127.0.0.1:1/site", 255, "FAILED: the database did not answer: "),
    ],
)
def test_without_a_database_the_command_says_so_in_one_line_without_the_password(url, status, line):
    done = alembic(url, "upgrade", "head")
    assert done.returncode == status
    assert error_line(done).startswith(line)
    assert "hush" not in error_line(done)
