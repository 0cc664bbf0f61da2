"""The connection: encryption, poolers, clocks. And times that main sites wrote as local ones."""

import pytest
from psycopg import sql

from onboarding.doctor import database, tables
from onboarding.doctor.findings import Check, Finding
from onboarding.doctor.installation import Installation
from tests.doctor.conftest import APP, Clinic

NAIVE = """ALTER TABLE session ALTER "expiresAt" TYPE timestamp"""


def found(check: Check, url: str) -> Finding:
    installation = Installation({"DATABASE_URL": url})
    try:
        (finding,) = check(installation)
    finally:
        installation.close()
    return finding


def test_plain_text_to_another_machine_is_worth_a_warning(clinic: Clinic) -> None:
    # By this name it is another machine; where that is, we say ourselves.
    elsewhere = clinic.url(APP).replace("@127.0.0.1", "@db.example.com") + "?hostaddr=127.0.0.1"
    assert found(database.encryption, elsewhere).level == "warning"
    assert found(database.encryption, clinic.url(APP)).level == "ok"


@pytest.mark.parametrize(
    ("url", "level", "part"),
    [
        ("ep-a-1.eu-central-1.aws.neon.tech/main?sslmode=require", "warning", "Neon's direct one"),
        ("ep-a-1-pooler.eu-central-1.aws.neon.tech/main", "ok", "a pooler's"),
        ("ep-a-1-pooler.aws.neon.tech/main?options=-c%20search_path%3Dauth", "fault", "options"),
        ("ep-a-1-pooler.aws.neon.tech/main?options=endpoint%3Dep-a-1", "ok", "a pooler's"),
        ("aws-0-eu.pooler.supabase.com:6543/main", "ok", "a pooler's"),
        ("db.example.com:6432/main?options=-c%20timezone%3DUTC", "fault", "options"),
        ("db.example.com/main?options=-c%20timezone%3DUTC", "ok", "direct"),
        ("/main?host=/var/run/postgresql", "ok", "direct"),
    ],
)
def test_a_pooler_is_known_by_its_host(url: str, level: str, part: str) -> None:
    finding = found(database.pooler, f"postgresql://app:x@{url}")
    assert finding.level == level
    assert part in finding.says


@pytest.mark.parametrize(
    ("shift", "level", "part"),
    [
        ("10 seconds", "warning", "s ahead"),
        ("-10 seconds", "warning", "s behind"),
        ("2 minutes", "fault", "s ahead"),
        ("0", "ok", "agree"),
    ],
)
def test_clocks_that_disagree_are_told(shift: str, level: str, part: str, clinic: Clinic) -> None:
    schema = f"clock of {shift}"
    clinic.superuser(
        sql.SQL("""
            CREATE SCHEMA {schema};
            GRANT USAGE ON SCHEMA {schema} TO PUBLIC;
            CREATE FUNCTION {schema}.clock_timestamp() RETURNS timestamptz LANGUAGE SQL
                AS $$ SELECT pg_catalog.clock_timestamp() + interval {shift} $$
        """).format(schema=sql.Identifier(schema), shift=shift)
    )
    # Before pg_catalog, this clock hides the real one.
    path = f"%22{schema.replace(' ', '%5C%20')}%22,pg_catalog"
    finding = found(database.clock, f"{clinic.url(APP)}?options=-c%20search_path%3D{path}")
    assert finding.level == level
    assert part in finding.says


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        ("now() + interval '6 days 23 hours'", "warning: no time zone"),
        ("now() + interval '7 days 1 hour'", "warning: ends 1.0 hours later"),
        ("now() + interval '7 days 14 hours'", "warning: ends 14.0 hours later"),
        ("now() + interval '30 days'", "warning: no time zone"),
        ("'infinity'", "warning: no time zone"),
    ],
)
def test_without_more_rights_the_end_of_sessions_gives_local_time_away(
    ends: str, level: str, clinic: Clinic
) -> None:
    name = clinic.spoilt(NAIVE)
    ending = sql.SQL("""UPDATE session SET "expiresAt" = timezone('utc', {})""")
    clinic.superuser(ending.format(sql.SQL(ends)), name)
    finding = found(tables.times, clinic.url(APP, name))
    word, _, part = level.partition(": ")
    assert finding.level == word
    assert part in finding.says


def test_a_session_from_the_future_is_a_wrong_clock_where_times_have_zones(clinic: Clinic) -> None:
    name = clinic.spoilt(
        """
            UPDATE session SET "createdAt" = now() + interval '10 minutes 30 seconds';
            GRANT SELECT ("createdAt") ON session TO onboarding_app
        """,
    )
    finding = found(tables.times, clinic.url(APP, name))
    assert finding.says == "the newest session was made 10 minutes in the future, by UTC"
    assert finding.mend == "set the main site's clock"
