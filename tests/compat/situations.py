"""Whom the app and Better-Auth let in, in situations that differ from a plain session."""

from tests.compat.browser import Browser
from tests.compat.deployment import Deployment

IN, OUT, OUT_HERE = "in", "out", "out here, in there"
_BOTH, _FOR_GOOD = (
    "Redis, sessions in the database too",
    "Redis, sessions kept in the database for good",
)
_PLUGINS = "admin and anonymous, Drizzle"

# The verdicts, and the preset that shows them in each of its versions.
SITUATIONS = {
    "the secrets are rotated: a cookie of before": (OUT, "versioned secrets"),
    "the secrets are rotated: after signing in again": (IN, "versioned secrets"),
    "the session has expired": (OUT, "default"),
    "the session was revoked": (OUT, "default"),
    "the cookie cache alone, without the session cookie": (OUT, "cookie cache, compact"),
    "the session's row is deleted by hand, Redis still has it": (OUT_HERE, _BOTH),
    "Redis is emptied, the row is still there": (IN, _BOTH),
    "Redis is emptied, rows are kept for good": ("in here, out there", _FOR_GOOD),
    "banned by the endpoint": (OUT, _PLUGINS),
    "banned in the database alone": (OUT_HERE, _PLUGINS),
    "banned in the database until later": (OUT_HERE, _PLUGINS),
    "banned in the database until earlier": (IN, _PLUGINS),
    "a guest": (OUT_HERE, _PLUGINS),
    "a bearer token without a cookie": (OUT_HERE, "bearer"),
    "the password alone, before the second factor": (OUT, "two-factor"),
    "after the second factor": (IN, "two-factor"),
}


def assert_situation(situation: str, deployment: Deployment, browser: Browser) -> None:
    """Compare both verdicts with those that docs/compatibility.md shows."""
    assert deployment.verdict(browser) == SITUATIONS[situation][0], situation
