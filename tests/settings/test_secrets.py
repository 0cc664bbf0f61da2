"""Which settings are secret, in no text about them, and what is derived from them."""

import logging

import pytest

from onboarding.logs import LineFormatter
from tests.settings.environ import GOOD, PASSWORD, SECRET, faults, settings


def test_secrets_are_known_to_be_secret_and_in_no_text_about_the_settings() -> None:
    read = settings(RATE_LIMIT_STORAGE="rediss://me:pass-word@redis.example:6380/2")
    assert set(read.secrets) == {SECRET, PASSWORD, "pass-word"}
    for text in (repr(read), str(read), f"{read.session_cookie}"):
        for hidden in (SECRET, PASSWORD, "pass-word", "db.example", "app:"):
            assert hidden not in text


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({"DATABASE_URL": "postgresql:///site?host=h&password=of-the-query"}, {"of-the-query"}),
        (
            {"DATABASE_URL": f"{GOOD['DATABASE_URL']}?sslpassword=of-the-key"},
            {PASSWORD, "of-the-key"},
        ),
        (
            {"RATE_LIMIT_STORAGE": "redis://:100%25%20safe@10.0.0.5"},
            {PASSWORD, "100%25%20safe", "100% safe"},
        ),
    ],
)
def test_every_spelling_of_a_password_is_secret(changes: dict[str, str], known: set[str]) -> None:
    read = settings(**changes)
    assert set(read.secrets) == {SECRET, *known}
    record = logging.LogRecord("x", logging.ERROR, "", 1, f"It said {known}", None, None)
    line = LineFormatter("json", read.secrets).format(record)
    assert [one for one in known if one in line] == []
    assert line.count("[secret]") >= len(known)


def test_a_shared_count_of_writes_needs_a_key_that_is_shared() -> None:
    by_http = {"SESSION_SOURCE": "http", "BETTER_AUTH_SECRET": None}
    assert faults(**by_http, RATE_LIMIT_STORAGE="redis://10.0.0.5") == [
        "RATE_LIMIT_STORAGE needs BETTER_AUTH_SECRET, unless it is memory://"
    ]
    assert settings(**by_http).rate_limit_storage == "memory://"
    with_it = settings(SESSION_SOURCE="http", RATE_LIMIT_STORAGE="redis://10.0.0.5")
    assert with_it.rate_limit_storage == "redis://10.0.0.5"
    assert settings(BETTER_AUTH_COOKIE_NAME="sid").session_cookie.name == "__Secure-sid"


def test_keys_differ_by_their_label_and_by_the_secret() -> None:
    keys = {
        settings(BETTER_AUTH_SECRET=secret).derive_key(label)
        for secret in (SECRET, SECRET[::-1])
        for label in ("a", "b")
    }
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}
