"""The doctor on real main sites of every kind: with the right settings, and without them."""

import pytest

from tests.compat.conftest import SECRET
from tests.compat.deployment import Deployment
from tests.compat.presets import SECTIONS, with_presets
from tests.doctor.conftest import examine

pytestmark = pytest.mark.slow
COOKIES, NEON_AUTH = SECTIONS["Cookies"], "Neon Auth"
# What Neon's own guide names, taken for what the app needs.
NEON_SECRETS = {"BETTER_AUTH_SECRET": SECRET, "NEON_AUTH_COOKIE_SECRET": SECRET}


# The database has other tests' tables too, and Drizzle's times have no zone.
OF_TABLES = ("user table", "session table", "times")


def problems(deployment: Deployment, **changed: str) -> list[tuple[str, str, str]]:
    """Return what the doctor reports about an app with these variables: condition, message, fix."""
    report = examine({**deployment.environ, **changed}, transport=deployment.site)
    return [
        (condition, found.message, found.fix)
        for condition, found in report.findings
        if found.level in ("warning", "fault") and condition not in OF_TABLES
    ]


@with_presets(*(preset.name for preset in COOKIES), NEON_AUTH, "all of it at once")
def test_the_right_settings_have_no_fault(deployment: Deployment) -> None:
    assert problems(deployment) == []


@with_presets(NEON_AUTH)
def test_settings_as_of_a_site_with_its_own_better_auth_are_corrected_for_neon_auth(
    deployment: Deployment,
) -> None:
    needed = dict.fromkeys(deployment.preset.settings, "")
    found = problems(deployment, **needed, **NEON_SECRETS)
    fixes = {condition: (message, fix) for condition, message, fix in found}
    message, fix = fixes["settings"]
    assert "BETTER_AUTH_SECRET is NEON_AUTH_COOKIE_SECRET" in message
    assert fix.split(", ") == [
        "set SESSION_SOURCE=http",
        "set BETTER_AUTH_SCHEMA=neon_auth",
        "set BETTER_AUTH_COOKIE_PREFIX=neon-auth",
        "unset BETTER_AUTH_SECRET",
    ]
    assert fixes["site cookie"][1] == "set BETTER_AUTH_COOKIE_PREFIX=neon-auth"
