"""Migrations while people use the site, and migrations that are cut off."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from urllib.parse import quote

import psycopg
import pytest

from devstack.processes import ROOT
from tests.betterauth.layouts import CAMEL
from tests.conftest import Stage
from tests.migrations.standing import (
    PEOPLE,
    VERSION_TABLE,
    catalog,
    found_misfits,
    run,
    said,
    tables,
)
from tests.places import Places, alembic, alembic_afresh
from tests.preloaded import KILLED
from tests.visitor import Person

# What signing up may take longer than usual: LOCK_TIMEOUT and a little.
LONGEST_DELAY_S = 2.5

# The statements before only look.
FIRST_DDL = 8


@pytest.fixture
def not_migrated(stage: Stage) -> Iterator[str]:
    """The owner's address of a schema of its own on the database of the main site that runs."""
    stage.sql("CREATE SCHEMA live AUTHORIZATION stage_owner")
    yield f"{stage.shared.owner_url}?options={quote('-c search_path=live')}"
    stage.sql("DROP SCHEMA live CASCADE")


def test_a_migration_that_has_to_wait_lets_people_sign_up_meanwhile_and_comes_in_later(
    stage: Stage, not_migrated: str, ada: Person, sign_up: Callable[..., Person]
) -> None:
    def migrate():
        return alembic_afresh(not_migrated, "upgrade", "head", BETTER_AUTH_SCHEMA="public")

    usual_s = seconds(sign_up)
    with (
        psycopg.connect(stage.site.database_url, application_name="nightly report") as report,
        ThreadPoolExecutor(1) as pool,
    ):
        blocker = report.info.backend_pid
        report.execute('UPDATE "user" SET name = name WHERE id = %s', [ada.user_id])
        migration = pool.submit(migrate)
        while not migration.done() and not stage.sql(
            "SELECT 1 FROM pg_locks WHERE relation = CAST('\"user\"' AS regclass) AND NOT granted"
        ):
            time.sleep(0.02)
        took_s = seconds(sign_up)
        report.rollback()
        done = migration.result()
    assert took_s < usual_s + LONGEST_DELAY_S
    assert (done.returncode, done.stdout) == (0, "user_profile is at revision 0001\n")
    held_up = f'by process {blocker} ("nightly report", role main_site)'
    assert done.stderr == (
        f"a table was in use for longer than 2s, {held_up}; trying again in 1 s, 4 more\n"
    )


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_table_that_stays_in_use_stops_the_migration_and_it_can_be_run_again(
    places: Places,
) -> None:
    place = places.settle("in_use", CAMEL.ddl() + PEOPLE)
    before = catalog(place)
    with psycopg.connect(place.url()) as busy:
        busy.execute("UPDATE \"user\" SET name = 'a secret'")
        line = said(alembic(place.url(), "-x", "attempts=1", "upgrade", "head"))
        # Nobody waits, so nobody has to wait behind us.
        assert place.sql("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]
    assert "a table was in use for longer than 2s, by process " in line
    assert re.search(r"in a transaction since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)", line)
    assert "this migration changed nothing: run it again" in line
    assert "secret" not in line
    assert catalog(place) == before
    run(place, "upgrade", "head")
    assert found_misfits(place) == []


@pytest.mark.parametrize("attempts", ["0", "-1", "many", ""])
def test_a_number_of_attempts_that_is_none_is_refused(places: Places, attempts: str) -> None:
    line = said(alembic(places.url, "-x", f"attempts={attempts}", "upgrade", "head"))
    assert "-x attempts=N takes a number from 1 on" in line


def test_killed_after_any_statement_it_leaves_all_or_nothing_and_can_be_run_again(
    places: Places,
) -> None:
    place = places.settle("killed", CAMEL.ddl())
    for statements in count(FIRST_DDL):
        done = alembic(place.url(), "upgrade", "head", dies_after=statements)
        is_recorded = VERSION_TABLE in tables(place) and place.sql(f"TABLE {VERSION_TABLE}")
        assert bool(is_recorded) == ("user_profile" in tables(place))
        if done.returncode == 0:
            break
        assert done.returncode == KILLED
    assert statements > FIRST_DDL + 10
    assert place.sql(f"TABLE {VERSION_TABLE}") == [("0001",)]
    assert found_misfits(place) == []


def test_every_transaction_bounds_how_long_it_waits_and_how_long_it_may_be_silent(
    places: Places,
) -> None:
    place = places.settle("bounded", CAMEL.ddl())
    before = places.server.log_size()
    run(place, "upgrade", "head")
    sent = places.server.statements("onboarding migrations", after=before)
    begun = [number for number, statement in enumerate(sent) if statement == "BEGIN"]
    assert len(begun) >= 4
    # The first one is the driver's, which only asks for the server's version.
    for number in begun[1:]:
        assert "SET LOCAL lock_timeout = '2s'" in sent[number + 1]
        assert "SET LOCAL idle_in_transaction_session_timeout = '10s'" in sent[number + 1]
    # The lock on the main site's table comes last, right before the version and the commit.
    key = next(number for number, statement in enumerate(sent) if "FOREIGN KEY" in statement)
    assert [statement.split()[0] for statement in sent[key + 1 :]] == ["INSERT", "COMMIT"]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:hush@ep-cool-name-123456-pooler.eu-central-1.aws.neon.tech/site",
        "postgresql://u:hush@aws-0-eu-central-1.pooler.supabase.com:6543/postgres",
        "postgresql:///site?host=ep-one-pooler.eu.neon.tech&user=u&password=hush",
    ],
)
def test_a_transaction_poolers_address_is_refused_before_anything_is_sent(address: str) -> None:
    line = said(alembic(address, "upgrade", "head"))
    assert "a transaction pooler's address: give migrations the direct one" in line
    assert "hush" not in line


def test_two_at_once_end_as_one(places: Places) -> None:
    place = places.settle("two_at_once", CAMEL.ddl())
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: alembic_afresh(place.url(), "upgrade", "head"), range(2)))
    assert 0 in [done.returncode for done in both]
    # Who came second may have found the table half made, and says so.
    assert all("the database refused: " in said(done) for done in both if done.returncode != 0)
    run(place, "upgrade", "head")
    assert found_misfits(place) == []


def test_what_the_document_says_takes_all_of_ours_away_does_so(places: Places) -> None:
    place = places.settle("given_up", CAMEL.ddl())
    before = catalog(place)
    run(place, "upgrade", "head")
    told = (ROOT / "docs" / "database.md").read_text().partition("## Giving it up")[2]
    statements = re.search(r"```sql\n(.+?)```", told, re.DOTALL)[1]
    assert "SET LOCAL lock_timeout = '2s'" in statements
    place.sql(statements)
    assert catalog(place) == before
