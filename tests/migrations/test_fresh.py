"""`alembic upgrade head`, as operators run it: ours appears, theirs stays, faults are one line."""

# ruff: noqa: S608 - statements are put together from constants of ours

import re

import pytest
from sqlalchemy import make_url

from onboarding.betterauth.schema import TableNames
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.migrations.standing import (
    PEOPLE,
    VERSION_TABLE,
    assert_works,
    catalog,
    found_misfits,
    run,
    said,
    tables,
    theirs,
)
from tests.places import Place, Places, alembic, alembic_afresh

FRESH = {
    "text ids": CAMEL,
    "uuid ids in snake case": Layout(
        id_type="uuid", snake_case=True, time_type="timestamp without time zone"
    ),
    "integer ids, plural names": Layout(id_type="integer", user="users", session="sessions"),
    "varchar ids": Layout(id_type="character varying(36)"),
    "odd names": Layout(id_type="bigint", user='we"ird %s 100% :user', session="select"),
}


@pytest.mark.parametrize(("label", "layout"), FRESH.items(), ids=FRESH)
def test_a_fresh_database_gets_our_table_and_nothing_of_theirs_changes(
    places: Places, label: str, layout: Layout
) -> None:
    place = places.settle(f"fresh_{list(FRESH).index(label)}", layout.ddl())
    before = catalog(place)
    environ = {"BETTER_AUTH_USER_TABLE": layout.user, "BETTER_AUTH_SESSION_TABLE": layout.session}
    run(place, "upgrade", "head", **environ)
    assert theirs(place) == before
    assert tables(place) == {layout.user, layout.session, "user_profile", VERSION_TABLE}
    [(kind,)] = place.sql(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'user_profile'::regclass AND attname = 'user_id'"
    )
    assert kind == layout.id_type.partition("(")[0]
    assert_works(place, layout, layout.names, **environ)


@pytest.mark.parametrize(
    ("auth", "layout"),
    [("auth", CAMEL), ("Neon Auth", SNAKE_NAIVE)],
    ids=["auth", "a name that needs quoting"],
)
def test_a_main_site_in_another_schema_is_referred_to_and_ours_stands_beside(
    places: Places, auth: str, layout: Layout
) -> None:
    home = places.settle(auth, layout.ddl())
    place = places.settle(f"beside_{auth.split()[0].lower()}")
    before = catalog(home)
    run(place, "upgrade", "head", BETTER_AUTH_SCHEMA=auth)
    assert catalog(home) == before
    assert tables(place) == {"user_profile", VERSION_TABLE}
    assert_works(place, layout, TableNames(schema=auth), BETTER_AUTH_SCHEMA=auth)


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
def settled(places: Places) -> Place:
    """A main site with many tables of its own, and ours among them."""
    place = places.settle("settled", CAMEL.ddl() + EXTRA)
    before = catalog(place)
    done = alembic_afresh(place.url(), "upgrade", "head")
    said = "user_profile is at revision 0001\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert theirs(place) == before
    return place


def test_a_second_run_is_harmless_and_nothing_is_proposed_about_tables_of_others(
    settled: Place,
) -> None:
    before = catalog(settled)
    settled.sql(PEOPLE)
    settled.sql("INSERT INTO user_profile VALUES ('ada', 'Advanced', 'None', true)")
    rows = settled.sql("SELECT ctid, xmin, * FROM user_profile")
    run(settled, "upgrade", "head")
    run(settled, "check")
    assert catalog(settled) == before
    assert settled.sql("SELECT ctid, xmin, * FROM user_profile") == rows
    assert settled.sql(f"SELECT * FROM {VERSION_TABLE}") == [("0001",)]
    assert settled.sql("SELECT * FROM alembic_version") == [("somebody-elses",)]


def test_a_rule_that_was_taken_away_is_seen_and_brought_back(settled: Place) -> None:
    before = catalog(settled)
    settled.sql("""
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        ALTER TABLE user_profile DROP CONSTRAINT ck_user_profile_developer_role;
        ALTER TABLE user_profile ALTER is_onboarded DROP NOT NULL, ALTER created_at DROP DEFAULT;
        DROP TRIGGER user_profile_is_final ON user_profile;
        DROP FUNCTION user_profile_is_final;
    """)
    line = said(alembic(settled.url(), "check"))
    assert "New upgrade operations detected" in line
    assert {"user_id", "is_onboarded"} <= set(re.findall(r"\w+", line))
    faults = found_misfits(settled)
    assert len(faults) == 4
    # As each of those faults says:
    assert all("run alembic stamp base, then alembic upgrade head" in fault for fault in faults)
    run(settled, "stamp", "base")
    run(settled, "upgrade", "head")
    assert catalog(settled) == before
    assert found_misfits(settled) == []


def test_a_downgrade_is_refused_and_takes_nothing(settled: Place) -> None:
    before = catalog(settled)
    for target in ("base", "-1"):
        line = said(alembic(settled.url(), "downgrade", target))
        assert "the answers are kept for good" in line
    assert catalog(settled) == before
    assert settled.sql(f"SELECT * FROM {VERSION_TABLE}") == [("0001",)]


def test_sql_for_later_is_refused_because_the_real_types_are_unknown(settled: Place) -> None:
    assert "run it online" in said(alembic(settled.url(), "upgrade", "head", "--sql"))


def test_a_missing_right_is_told_in_one_line_and_nothing_changes(places: Places) -> None:
    place = places.settle("no_rights", CAMEL.ddl())
    place.sql("""
        CREATE ROLE migrator LOGIN PASSWORD 'migrating';
        GRANT USAGE, CREATE ON SCHEMA no_rights TO migrator;
    """)
    url = make_url(place.url()).set(username="migrator", password="migrating")
    address = url.render_as_string(hide_password=False)
    before = catalog(place)
    assert "the database refused: permission denied for table user" in said(
        alembic(address, "upgrade", "head")
    )
    assert catalog(place) == before
    place.sql('GRANT REFERENCES (id) ON "user" TO migrator')
    assert alembic(address, "upgrade", "head").returncode == 0
    assert found_misfits(place) == []


# The environment, the exit status and the line.
NO_DATABASE: dict[str, tuple[str | None, int, str]] = {
    "missing": (None, 2, "DATABASE_URL is missing"),
    "malformed": ("postgres://u:hush@", 2, "DATABASE_URL must name a host and a database"),
    "of another driver": (
        "postgres://u:hush@127.0.0.1:1/site?pgbouncer=true",
        2,
        "DATABASE_URL has an option after the '?' that PostgreSQL doesn't know",
    ),
    "where nobody listens": (
        "postgres://u:hush@127.0.0.1:1/site",
        255,
        "FAILED: the database did not answer: ",
    ),
}


@pytest.mark.parametrize(("url", "status", "line"), NO_DATABASE.values(), ids=NO_DATABASE)
def test_without_a_database_the_command_says_so_in_one_line_without_the_password(
    url: str | None, status: int, line: str
) -> None:
    done = alembic(url, "upgrade", "head")
    assert done.returncode == status
    assert said(done).startswith(line)
    assert "hush" not in said(done)


def test_a_wrong_password_is_told_without_it(places: Places) -> None:
    wrong = make_url(places.url).set(password="wr0ng-pa55word").render_as_string(False)
    line = said(alembic_afresh(wrong, "upgrade", "head"))
    assert "password authentication failed" in line
    assert "wr0ng-pa55word" not in line
