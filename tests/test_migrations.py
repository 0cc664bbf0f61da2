"""`alembic upgrade head`, as operators run it: ours appears, theirs stays, misfits change nothing."""

# ruff: noqa: S608 - statements are put together from constants of ours

import re
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import make_url

from devstack.postgres import Postgres
from onboarding.betterauth.schema import TableNames, discover
from onboarding.identity import Standing
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from onboarding.profiles.rules import AlreadyOnboarded, complete
from onboarding.profiles.schema import misfits
from onboarding.sources.tables import SharedTables
from tests.betterauth.layouts import CAMEL, SNAKE_NAIVE, Layout
from tests.places import Place, Places, alembic, alembic_afresh, divided, opened

VERSION_TABLE = "onboarding_alembic_version"

# The table as the project's first data model had it.
SEED = """
    CREATE TABLE user_profile (
        user_id TEXT PRIMARY KEY REFERENCES "user" (id),
        python_proficiency TEXT NOT NULL,
        developer_role TEXT NOT NULL,
        is_onboarded BOOLEAN DEFAULT FALSE,
        created_at TIMESTAMP DEFAULT NOW(),
        updated_at TIMESTAMP DEFAULT NOW()
    );
"""
PEOPLE = """
    INSERT INTO "user" (id, name, email) VALUES
        ('ada', 'Ada', 'ada@example.test'), ('bob', 'Bob', 'bob@example.test'),
        ('cyd', 'Cyd', 'cyd@example.test');
"""
PROFILES = """
    INSERT INTO user_profile VALUES
        ('ada', 'Advanced', 'None', true, '2025-01-02 03:04:05', '2025-02-03 04:05:06'),
        ('bob', 'Beginner', 'Full Stack Developer', NULL, NULL, NULL),
        ('cyd', 'Intermediate', 'Backend Developer', false, '2025-03-04 05:06:07', NULL);
"""

ONE = Answers(PythonProficiency.ADVANCED, DeveloperRole.BACKEND)
OTHER = Answers(PythonProficiency.BEGINNER, DeveloperRole.NONE)


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "migrations") as made:
        yield made


def catalog(place: Place) -> list[tuple]:
    """Give all that stands in a place's schema: columns, constraints, indexes, triggers, functions."""
    return place.sql("""
        WITH ours AS (
            SELECT oid, relname, relkind FROM pg_class
            WHERE relkind <> 'i' AND relnamespace = to_regnamespace(quote_ident(current_schema))
        )
        SELECT relname::text, 'relation', relkind::text, '' FROM ours
        UNION ALL
        SELECT relname, 'column ' || attnum || ' ' || attname, format_type(atttypid, atttypmod),
               attnotnull || ' ' || coalesce(pg_get_expr(adbin, adrelid), '')
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL
        SELECT relname, 'constraint ' || conname, pg_get_constraintdef(pg_constraint.oid), ''
        FROM ours JOIN pg_constraint ON conrelid = ours.oid
        UNION ALL
        SELECT relname, 'index', pg_get_indexdef(indexrelid), ''
        FROM ours JOIN pg_index ON indrelid = ours.oid
        UNION ALL
        SELECT relname, 'trigger ' || tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled::text
        FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
        UNION ALL
        SELECT proname::text, 'function', pg_get_functiondef(oid), ''
        FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(current_schema))
        ORDER BY 1, 2, 3
    """)


def theirs(place: Place) -> list[tuple]:
    """Give all that stands in a place's schema but is not ours."""
    ours = {"user_profile", "user_profile_is_final", VERSION_TABLE}
    return [row for row in catalog(place) if row[0] not in ours]


def tables(place: Place) -> set[str]:
    return {row[0] for row in catalog(place) if row[1] == "relation" and row[2] in "rv"}


def found_misfits(place: Place, names: TableNames | None = None) -> list[str]:
    return place.run(
        lambda connection: misfits(
            connection, discover(connection, names or TableNames()).user.types["id"]
        )
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Give the one line that a refused command said."""
    assert done.returncode != 0, done.stdout
    [line] = (done.stdout + done.stderr).strip().splitlines()
    return line


def run(place: Place, *command: str, **environ: str) -> None:
    done = alembic(place.url(), *command, **environ)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_works(place: Place, layout: Layout, names: TableNames, **environ: str) -> None:
    """See that the comparison is clean, that nothing is missed, and that somebody can be served."""
    done = alembic(place.url(), "check", **environ)
    assert (done.returncode, done.stdout.strip()) == (0, "No new upgrade operations detected.")
    assert found_misfits(place, names) == []
    home = Place(place.places, names.schema or place.schema)
    user_id, token = layout.sign_in(home)
    with opened(place.engine_url()) as database:
        identities = SharedTables(database, names)
        assert identities.check() == []
        assert identities.of(token).standing is Standing.NOT_ONBOARDED
        complete(database, user_id, ONE)
        assert identities.of(token).standing is Standing.ONBOARDED
        with pytest.raises(AlreadyOnboarded):
            complete(database, user_id, OTHER)
        with pytest.raises(psycopg.errors.RestrictViolation):
            place.sql("UPDATE user_profile SET is_onboarded = false")
        home.sql(layout.delete_everybody())
        assert place.sql("SELECT count(*) FROM user_profile") == [(0,)]


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


ADOPTED = {
    "as the first data model had it": "",
    "with keys, indexes and columns of the owner's own": """
        ALTER TABLE user_profile ADD COLUMN note text UNIQUE, ADD COLUMN n int NOT NULL DEFAULT 7,
            ADD CHECK (developer_role <> ''), ADD CHECK (updated_at > '2000-01-01'),
            ADD CONSTRAINT levels CHECK (python_proficiency IN
                ('Beginner', 'Intermediate', 'Advanced', 'Wizard: 100%'));
        CREATE INDEX ON user_profile (is_onboarded);
        CREATE INDEX ON user_profile (developer_role, created_at);
    """,
    "with two keys, one of which would keep the user from being deleted": """
        ALTER TABLE user_profile ADD CONSTRAINT second FOREIGN KEY (user_id)
            REFERENCES "user" (id) ON DELETE CASCADE;
    """,
    "with a key that was never validated": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD CONSTRAINT unsure FOREIGN KEY (user_id)
            REFERENCES "user" (id) ON DELETE CASCADE NOT VALID;
    """,
    "with a deferred key": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD FOREIGN KEY (user_id) REFERENCES "user" (id) DEFERRABLE INITIALLY DEFERRED;
    """,
    "without any key": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            DROP CONSTRAINT user_profile_pkey;
    """,
    "with varchar for the id": "ALTER TABLE user_profile ALTER user_id TYPE character varying",
    "with a check of our name and other values": """
        ALTER TABLE user_profile ADD CONSTRAINT ck_user_profile_developer_role
            CHECK (developer_role <> 'Frontend Developer');
    """,
}


@pytest.mark.parametrize(("label", "change"), ADOPTED.items(), ids=ADOPTED)
def test_a_table_that_stands_already_is_adopted_with_its_rows_and_all_that_is_missing(
    places: Places, label: str, change: str
) -> None:
    place = places.settle(
        f"adopted_{list(ADOPTED).index(label)}", CAMEL.ddl() + SEED + PEOPLE + PROFILES + change
    )
    before, kept = theirs(place), place.sql("SELECT * FROM user_profile ORDER BY user_id")
    own = {row for row in catalog(place) if row[0] == "user_profile" and row[1] == "index"}
    run(place, "upgrade", "head")
    assert theirs(place) == before
    rows = place.sql("SELECT * FROM user_profile ORDER BY user_id")
    for old, new in zip(kept, rows, strict=True):
        assert new[:3] == old[:3]
        assert new[3] is (old[3] is True)
        assert all(then in (None, now) for then, now in zip(old[4:], new[4:], strict=True))
        assert None not in new[:6]
    assert own <= set(catalog(place))
    with pytest.raises(psycopg.errors.RestrictViolation):
        place.sql("UPDATE user_profile SET python_proficiency = 'Beginner' WHERE user_id = 'ada'")
    place.sql("UPDATE user_profile SET developer_role = 'None' WHERE user_id = 'bob'")
    assert_works(place, CAMEL, TableNames())


def test_a_bare_table_is_adopted_with_the_columns_it_lacks(places: Places) -> None:
    place = places.settle(
        "adopted_bare",
        CAMEL.ddl()
        + PEOPLE
        + """
        CREATE TABLE user_profile (developer_role text, python_proficiency text, user_id text);
        INSERT INTO user_profile VALUES ('None', 'Beginner', 'ada');
        """,
    )
    run(place, "upgrade", "head")
    assert place.sql(
        "SELECT user_id, python_proficiency, developer_role, is_onboarded,"
        " abs(extract(epoch FROM timezone('utc', now()) - created_at)) < 60 FROM user_profile"
    ) == [("ada", "Beginner", "None", False, True)]
    assert_works(place, CAMEL, TableNames())


# What stands there already, and a word of the line that stops the migration.
MISFITS = {
    "no user table": ('DROP TABLE session; DROP TABLE "user"', "table user was not found"),
    "a user without e-mail": ('ALTER TABLE "user" DROP email', "table user has no column email"),
    "ids of an unreadable type": (
        """
        ALTER TABLE session DROP "userId";
        ALTER TABLE "user" ALTER id DROP DEFAULT, ALTER id TYPE numeric USING 0
        """,
        "column user.id is of type numeric",
    ),
    "ids of another type": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ALTER user_id TYPE uuid USING NULL
        """,
        "column user_id is of type uuid, not text",
    ),
    "no role": (f"{SEED} ALTER TABLE user_profile DROP developer_role", "no column developer_role"),
    "no user id": (f"{SEED} ALTER TABLE user_profile RENAME user_id TO id", "no column user_id"),
    "a level as a number": (
        f"{SEED} ALTER TABLE user_profile ALTER python_proficiency TYPE integer USING 0",
        "column python_proficiency is of type integer, not text",
    ),
    "a level as an enum": (
        f"""
        {SEED}
        CREATE TYPE level AS ENUM ('Beginner', 'Intermediate', 'Advanced');
        ALTER TABLE user_profile ALTER python_proficiency TYPE level USING 'Beginner'
        """,
        "column python_proficiency is of type level, not text",
    ),
    "onboarded as a text": (
        f"""
        {SEED}
        ALTER TABLE user_profile ALTER is_onboarded DROP DEFAULT, ALTER is_onboarded TYPE text
        """,
        "column is_onboarded is of type text, not boolean",
    ),
    "a time with a zone": (
        f"{SEED} ALTER TABLE user_profile ALTER created_at TYPE timestamptz",
        "column created_at is of type timestamp with time zone, not timestamp without time zone",
    ),
    "a column that we cannot give": (
        f"{SEED} ALTER TABLE user_profile ADD shoe_size integer NOT NULL",
        "column shoe_size is NOT NULL without a default",
    ),
    "an answer outside the list": (
        f"{SEED} {PEOPLE} {PROFILES} UPDATE user_profile SET developer_role = 'Frontend'",
        "3 of its rows have a developer_role that is none of Frontend Developer, Backend",
    ),
    "a missing answer": (
        f"""
        {SEED} {PEOPLE} {PROFILES}
        ALTER TABLE user_profile ALTER python_proficiency DROP NOT NULL;
        UPDATE user_profile SET python_proficiency = NULL WHERE user_id = 'bob'
        """,
        "1 of its rows have a python_proficiency that is none of Beginner, Intermediate, Advanced",
    ),
    "a profile of nobody": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        INSERT INTO user_profile VALUES ('nobody', 'Advanced', 'None')
        """,
        "1 of its rows belong to no user",
    ),
    "two profiles of one user": (
        f"""
        {SEED} {PEOPLE} {PROFILES}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey;
        INSERT INTO user_profile VALUES ('ada', 'Beginner', 'None')
        """,
        "2 of its rows are second rows of one user",
    ),
    "another primary key": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey,
            ADD COLUMN id serial PRIMARY KEY
        """,
        "its primary key is id, not user_id",
    ),
    "a key to another table": (
        f"""
        {SEED}
        CREATE TABLE member (id text PRIMARY KEY);
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD CONSTRAINT to_member FOREIGN KEY (user_id) REFERENCES member ON DELETE CASCADE
        """,
        "its key to_member refers to another table than user",
    ),
    "a check that refuses one of our answers": (
        f"""
        {SEED}
        ALTER TABLE user_profile ADD CONSTRAINT roles
            CHECK (developer_role IN ('Frontend', 'Backend', 'Full Stack: 100%', 'None'))
        """,
        "constraint roles refuses some of Frontend Developer, Backend Developer",
    ),
    "a view": (
        """
        CREATE VIEW user_profile AS
        SELECT id AS user_id, name AS python_proficiency, name AS developer_role FROM "user"
        """,
        'cannot be performed on relation "user_profile"',
    ),
}


def standing(place: Place) -> list[tuple]:
    """Give a place's catalog, and the rows of user_profile where there is one."""
    stands = "user_profile" in tables(place)
    rows = place.sql("SELECT CAST(p AS text) FROM user_profile p ORDER BY 1") if stands else []
    return catalog(place) + rows


@pytest.mark.parametrize(
    ("label", "bend", "line"), [(k, *v) for k, v in MISFITS.items()], ids=MISFITS
)
def test_a_misfit_stops_the_migration_with_one_clear_line_and_nothing_changes(
    places: Places, label: str, bend: str, line: str
) -> None:
    place = places.settle(f"misfit_{list(MISFITS).index(label)}", f"{CAMEL.ddl()};{bend}")
    before = standing(place)
    assert line in said(alembic(place.url(), "upgrade", "head"))
    assert standing(place) == before
    assert VERSION_TABLE not in tables(place)


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


def test_a_table_in_use_stops_the_migration_soon_and_it_can_be_run_again(places: Places) -> None:
    place = places.settle("in_use", CAMEL.ddl() + PEOPLE)
    before = catalog(place)
    with psycopg.connect(place.url()) as busy:
        busy.execute("UPDATE \"user\" SET name = 'Ada Lovelace'")
        started = time.monotonic()
        line = said(alembic(place.url(), "upgrade", "head"))
        assert 2 <= time.monotonic() - started < 20
        # Nobody waits, so nobody has to wait behind us.
        assert place.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
    assert "a table was in use for longer than 2s; this migration changed nothing" in line
    assert catalog(place) == before
    run(place, "upgrade", "head")
    assert found_misfits(place) == []


def test_two_at_once_end_as_one(places: Places) -> None:
    place = places.settle("two_at_once", CAMEL.ddl())
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: alembic_afresh(place.url(), "upgrade", "head"), range(2)))
    assert 0 in [done.returncode for done in both]
    # Who came second may have found the table half made, and says so.
    assert all("the database refused: " in said(done) for done in both if done.returncode != 0)
    run(place, "upgrade", "head")
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
