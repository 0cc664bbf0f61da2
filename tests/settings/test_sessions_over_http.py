"""What the main site answers over HTTP instead of a secret: SESSION_SOURCE."""

import pytest

from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from tests.settings.environ import SECRET, faults, settings


def test_sessions_over_http_need_no_secret_but_use_one() -> None:
    read = settings(SESSION_SOURCE="http", BETTER_AUTH_SECRET=None, SESSION_CACHE_SECONDS="0")
    assert read.session_cookie == ForwardedCookie("__Secure-better-auth.session_token")
    assert (read.secret, read.session_cache_s) == ("", 0)
    verified = settings(SESSION_SOURCE="http", SESSION_URL="https://auth.example.com/who")
    name = verified.session_cookie.name
    assert verified.session_cookie == ForwardedCookie(name, SessionCookie(name, SECRET))
    assert verified.session_url == "https://auth.example.com/who"


@pytest.mark.parametrize("source", [None, "database", ""])
def test_without_sessions_over_http_a_cookie_is_always_verified_here(source: str | None) -> None:
    assert isinstance(settings(SESSION_SOURCE=source).session_cookie, SessionCookie)
    assert faults(SESSION_SOURCE=source, BETTER_AUTH_SECRET=None) == [
        "BETTER_AUTH_SECRET is missing: set the main site's own value"
    ]


@pytest.mark.parametrize("name", ["BETTER_AUTH_SECRET", "BETTER_AUTH_SECRETS"])
def test_a_short_secret_is_no_secret_over_http_either(name: str) -> None:
    [fault] = faults(**{"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None, name: "1:short"})
    assert "too short" in fault
