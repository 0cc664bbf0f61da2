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


@pytest.mark.parametrize(
    ("expires_at", "part"),
    [
        ("now() + interval '6 days 23 hours'", "without a time zone"),
        ("now() + interval '7 days 1 hour'", "expires 1.0 hours later"),
        ("now() + interval '30 days'", "without a time zone"),
        ("'infinity'", "without a time zone"),
    ],
)
def test_the_expiry_of_sessions_reveals_local_time_without_further_rights(
    expires_at: str, part: str, healthy: HealthyInstallation
) -> None:
    copy = healthy.broken_copy(f"""
        ALTER TABLE session ALTER "expiresAt" TYPE timestamp;
        UPDATE session SET "expiresAt" = timezone('utc', {expires_at})
    """)  # noqa: S608 - all of it stands here
    finding = find(times.in_utc, healthy.app_url(copy))
    assert finding.level == "warning"
    assert part in finding.message


@pytest.mark.parametrize(
    ("column_type", "created_at", "fix"),
    [
        ("timestamp", "timezone('Asia/Tokyo', now())", "TZ=UTC"),
        ("timestamptz", "now() + interval '10 minutes'", "the main site's clock"),
    ],
)
def test_a_session_from_the_future_is_a_fault(
    column_type: str, created_at: str, fix: str, healthy: HealthyInstallation
) -> None:
    copy = healthy.broken_copy(f"""
        ALTER TABLE session ALTER "createdAt" TYPE {column_type};
        UPDATE session SET "createdAt" = {created_at};
        GRANT SELECT ("createdAt") ON session TO onboarding_app
    """)  # noqa: S608 - all of it stands here
    finding = find(times.in_utc, healthy.app_url(copy))
    assert finding.level == "fault"
    assert "in the future" in finding.message
    assert fix in finding.fix
