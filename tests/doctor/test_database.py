"""The connection: encryption, poolers, clocks. And times that main sites wrote as local ones."""

import pytest

from onboarding.doctor import database, times
from onboarding.doctor.report import Check, Finding
from tests.doctor.conftest import HealthyInstallation, run_check


def find(check: Check, url: str) -> Finding:
    (finding,) = run_check(check, {"DATABASE_URL": url})
    return finding


def test_plain_text_to_another_machine_is_a_warning(healthy: HealthyInstallation) -> None:
    # The name is another machine's; hostaddr leads it here.
    elsewhere = healthy.app_url().replace("@127.0.0.1", "@db.example.com") + "?hostaddr=127.0.0.1"
    assert find(database.encryption, elsewhere).level == "warning"
    assert find(database.encryption, healthy.app_url()).level == "ok"


@pytest.mark.parametrize(
    ("url", "level", "part"),
    [
        ("ep-a-1.eu-central-1.aws.neon.tech/main?sslmode=require", "warning", "Neon's direct one"),
        ("ep-a-1-pooler.eu-central-1.aws.neon.tech/main", "ok", "a pooler"),
        ("ep-a-1-pooler.aws.neon.tech/main?options=-c%20search_path%3Dauth", "fault", "options"),
        ("ep-a-1-pooler.aws.neon.tech/main?options=endpoint%3Dep-a-1", "ok", "a pooler"),
        ("aws-0-eu.pooler.supabase.com:6543/main", "ok", "a pooler"),
        ("db.example.com:6432/main?options=-c%20timezone%3DUTC", "fault", "options"),
        ("db.example.com/main?options=-c%20timezone%3DUTC", "ok", "direct"),
        ("/main?host=/var/run/postgresql", "ok", "direct"),
    ],
)
def test_a_pooler_is_known_by_its_host(url: str, level: str, part: str) -> None:
    finding = find(database.pooler, f"postgresql://app:x@{url}")
    assert finding.level == level
    assert part in finding.message


@pytest.mark.parametrize(
    ("shift", "level", "part"),
    [
        ("10 seconds", "warning", "s ahead"),
        ("-10 seconds", "warning", "s behind"),
        ("2 minutes", "fault", "s ahead"),
    ],
)
def test_the_clocks_must_agree(
    shift: str, level: str, part: str, healthy: HealthyInstallation
) -> None:
    copy = healthy.broken_copy(f"""
        CREATE SCHEMA clock;
        GRANT USAGE ON SCHEMA clock TO PUBLIC;
        CREATE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE SQL
            AS $$ SELECT pg_catalog.clock_timestamp() + interval '{shift}' $$
    """)
    # Before pg_catalog, this clock hides the real one.
    path = "-c%20search_path%3Dclock,pg_catalog"
    finding = find(database.clock, f"{healthy.app_url(copy)}?options={path}")
    assert finding.level == level
    assert part in finding.message


# A column of the sessions, its type, what it is set to, and what is said: level, message and fix.
FUTURE = ("fault", "in the future")
TIMES = [
    ("expiresAt", "timestamp", "timezone('utc', now() + interval '167 hours')", "warning", "without a time zone", ""),
    ("expiresAt", "timestamp", "timezone('utc', now() + interval '169 hours')", "warning", "expires 1.0 hours later", ""),
    ("expiresAt", "timestamp", "timezone('utc', now() + interval '30 days')", "warning", "without a time zone", ""),
    ("expiresAt", "timestamp", "'infinity'", "warning", "without a time zone", ""),
    ("createdAt", "timestamp", "timezone('Asia/Tokyo', now())", *FUTURE, "TZ=UTC"),
    ("createdAt", "timestamptz", "now() + interval '10 minutes'", *FUTURE, "the main site's clock"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "kind", "time", "level", "part", "fix"), TIMES)
def test_times_that_are_local_ones_are_found(
    healthy: HealthyInstallation, column: str, kind: str, time: str, level: str, part: str, fix: str
) -> None:
    # Without the right to read when it was made, its expiry is the evidence.
    grant = 'GRANT SELECT ("createdAt") ON session TO onboarding_app' if fix else ""
    copy = healthy.broken_copy(f"""
        ALTER TABLE session ALTER "{column}" TYPE {kind};
        UPDATE session SET "{column}" = {time};
        {grant}
    """)  # noqa: S608 - all of it stands here
    finding = find(times.in_utc, healthy.app_url(copy))
    assert finding.level == level
    assert part in finding.message
    assert fix in (finding.fix or "")
