"""Migrations while the site is in use, and migrations that are killed."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.parse import quote

import psycopg
import pytest

from devstack.processes import ROOT
from tests.alembic_runner import KILLED
from tests.betterauth.layouts import CAMEL
from tests.conftest import Environment
from tests.migrations.catalog import (
    USERS,
    VERSION_TABLE,
    catalog,
    error_line,
    run,
    schema_problems,
    tables,
)
from tests.schemas import alembic, alembic_in_new_process

pytestmark = pytest.mark.slow

# The statements before only look.
FIRST_DDL = 8


@pytest.fixture
def not_migrated(environment: Environment) -> Iterator[str]:
    """The owner's address of a schema of its own on the database of the main site that runs."""
    environment.sql("CREATE SCHEMA live AUTHORIZATION environment_owner")
    yield f"{environment.roles.owner_url}?options={quote('-c search_path=live')}"
    environment.sql("DROP SCHEMA live CASCADE")


def test_a_migration_that_has_to_wait_lets_people_sign_up_meanwhile_and_comes_in_later(
    environment, not_migrated, user, sign_up
):
    site_url = environment.main_site.database_url
    with (
        psycopg.connect(site_url, application_name="nightly report") as report,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker = report.info.backend_pid
        report.execute('UPDATE "user" SET name = name WHERE id = %s', [user.id])
        migration = pool.submit(
            alembic_in_new_process,
            *(not_migrated, "upgrade", "head"),
            BETTER_AUTH_SCHEMA="public",
        )
        while not migration.done() and not environment.sql(
            "SELECT 1 FROM pg_locks WHERE relation = CAST('\"user\"' AS regclass) AND NOT granted"
        ):
            time.sleep(0.02)
        # Behind the migration, which waits behind the report, which goes on.
        sign_up()
        assert not migration.done()
        report.rollback()
        done = migration.result()
    assert done.returncode == 0
    blocked = f'by process {blocker} ("nightly report", role main_site)'
    reason = f"a table was in use for longer than 2s, {blocked}; trying again in 1 s, 4 more\n"
    assert done.stderr.startswith(reason)


def test_a_table_that_stays_in_use_stops_the_migration_and_it_can_be_run_again(scratch_database):
    schema = scratch_database.create_schema("in_use", CAMEL.ddl() + USERS)
    before = catalog(schema)
    with psycopg.connect(schema.url()) as busy:
        busy.execute("UPDATE \"user\" SET name = 'a secret'")
        line = error_line(alembic(schema.url(), "-x", "attempts=1", "upgrade", "head"))
        # Nobody waits, so nobody has to wait behind us.
        assert schema.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
    assert "a table was in use for longer than 2s, by process " in line
    assert re.search(r"in a transaction since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)", line)
    assert "this migration changed nothing: run it again" in line
    assert "secret" not in line
    assert catalog(schema) == before
    run(schema, "upgrade", "head")
    assert schema_problems(schema) == []


def test_killed_after_any_statement_it_leaves_all_or_nothing_and_can_be_run_again(scratch_database):
    schema = scratch_database.create_schema("killed", CAMEL.ddl())
    for statements in count(FIRST_DDL):
        done = alembic(schema.url(), "upgrade", "head", dies_after=statements)
        is_recorded = VERSION_TABLE in tables(schema) and schema.sql(f"TABLE {VERSION_TABLE}")
        assert bool(is_recorded) == ("user_profile" in tables(schema))
        if done.returncode == 0:
            break
        assert done.returncode == KILLED
    assert statements > FIRST_DDL + 10
    assert schema_problems(schema) == []


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hush@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/site",
        "postgresql://u:hush@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        "postgresql:///site?host=ep-one-pooler.eu.neon.tech&user=u&password=hush",
    ],
)
def test_a_transaction_poolers_address_is_refused_before_anything_is_sent(address):
    line = error_line(alembic(address, "upgrade", "head"))
    assert "a transaction pooler's address: give migrations the direct one" in line
    assert "hush" not in line


def test_two_at_once_end_as_one(scratch_database):
    schema = scratch_database.create_schema("two_at_once", CAMEL.ddl())
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(lambda _: alembic_in_new_process(schema.url(), "upgrade", "head"), range(2))
        )
    assert 0 in [done.returncode for done in both]
    # Who came second may have found the table half made, and says so.
    assert all(
        "the database refused: " in error_line(done) for done in both if done.returncode != 0
    )
    run(schema, "upgrade", "head")
    assert schema_problems(schema) == []


def test_what_the_document_says_takes_all_of_ours_away_does_so(scratch_database):
    schema = scratch_database.create_schema("given_up", CAMEL.ddl())
    before = catalog(schema)
    run(schema, "upgrade", "head")
    told = (ROOT / "docs" / "database.md").read_text().partition("## Removing the app")[2]
    statements = re.search(r"```sql\n(.+?)```", told, re.DOTALL)[1]
    assert "SET LOCAL lock_timeout = '2s'" in statements
    schema.sql(statements)
    assert catalog(schema) == before
