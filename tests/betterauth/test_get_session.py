"""Asking the main site who a visitor is: what counts as an answer."""

from contextlib import closing
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from devstack.processes import free_port
from onboarding.betterauth.endpoints import get_session_url
from onboarding.betterauth.get_session import (
    GetSession,
    MainSiteSilent,
    trusts_environment,
)
from onboarding.betterauth.session import SignedIn
from tests.betterauth.told_site import ADA, COOKIE, NAME, SIGNER, Site, says, session_of, signed
from tests.conftest import Stage
from tests.visitor import Person


def test_the_real_main_site_tells_who_is_signed_in_and_that_they_are_no_more(
    stage: Stage, real_ada: Person
) -> None:
    url = f"{stage.site.url}/api/auth/get-session"
    with closing(GetSession(url, COOKIE, cache_s=0)) as asks:
        asks.check()
        token = COOKIE.token(real_ada.cookie)
        assert token is not None
        assert asks.signed_in(token) == SignedIn(
            real_ada.user_id, real_ada.name, real_ada.email, False, False, False
        )
        # The same token under another secret's signature is nobody's.
        assert asks.signed_in(signed(real_ada.token)) is None
        stage.sql("DELETE FROM session WHERE token = %s", real_ada.token)
        assert asks.signed_in(token) is None


def test_the_question_carries_the_one_cookie_and_asks_for_the_truth_alone(site: Site) -> None:
    token = COOKIE.token(f"other=1; {NAME}={quote(signed('a b;c'))}; better-auth.session_data=x")
    assert token is not None
    site.asks().signed_in(token)
    [(path, cookie)] = site.asked
    assert urlsplit(path).path == "/api/auth/get-session"
    assert parse_qs(urlsplit(path).query) == {
        "disableCookieCache": ["true"],
        "disableRefresh": ["true"],
    }
    assert ";" not in cookie
    assert COOKIE.token(cookie) == token


def test_what_is_set_for_one_visitor_never_travels_with_the_next(site: Site) -> None:
    site.answer = lambda _: says(None, **{"Set-Cookie": "better-auth.session_data=ada; Path=/"})
    asks = site.asks()
    for token in ("ada", "grace"):
        asks.signed_in(signed(token))
    assert [cookie.count("=") for _, cookie in site.asked] == [1, 1]
    assert [COOKIE.token(cookie) for _, cookie in site.asked] == [signed("ada"), signed("grace")]


SOMEBODY = {
    "plain": ({}, {}, ADA),
    "no name, no e-mail": (
        {"name": None, "email": None},
        {},
        SignedIn("u1", "", "", False, False, False),
    ),
    "a numeric id": (
        {"id": 7},
        {"userId": "7"},
        SignedIn("7", "Ada", "ada@example.test", False, False, False),
    ),
    "banned for good": ({"banned": True, "banExpires": None}, {}, "banned"),
    "banned until tomorrow": ({"banned": True, "banExpires": "2999-01-01T00:00:00Z"}, {}, "banned"),
    "ban over": ({"banned": True, "banExpires": "2001-01-01T00:00:00.000Z"}, {}, ADA),
    "ban NULL": ({"banned": None, "banExpires": "2999-01-01T00:00:00Z"}, {}, ADA),
    "a guest": ({"isAnonymous": True}, {}, "anonymous"),
    "an administrator behind it": ({}, {"impersonatedBy": "u2"}, "impersonated"),
    "nobody behind it": ({}, {"impersonatedBy": None}, ADA),
    "a name that no page can hold": (
        {"name": "A\ud800da"},
        {},
        SignedIn("u1", "A?da", "ada@example.test", False, False, False),
    ),
    "a time beyond time": ({"banExpires": "0001-01-01T00:00:00+23:00"}, {}, ADA),
    "the token kept back": ({}, {"token": None}, "silent"),
}


@pytest.mark.parametrize(("user", "session", "expected"), SOMEBODY.values(), ids=SOMEBODY)
def test_an_answer_is_read_as_the_tables_are(
    site: Site, user: dict, session: dict, expected: object
) -> None:
    site.answer = lambda _: says(session_of("t", user=user, session=session))
    if expected == "silent":
        with pytest.raises(MainSiteSilent, match="another session"):
            site.asks().signed_in(signed("t"))
        return
    seen = site.asks().signed_in(signed("t"))
    if isinstance(expected, str):
        assert seen is not None
        assert getattr(seen, expected) is True
    else:
        assert seen == expected


NOBODY = {
    "null": None,
    "{}": {},
    "no user": {"session": {"token": "t", "userId": "u1"}, "user": None},
    "no session": {"user": {"id": "u1"}},
    "a list": [],
    "a text": "signed in",
}


@pytest.mark.parametrize("body", NOBODY.values(), ids=NOBODY)
def test_without_a_session_and_a_user_nobody_is_signed_in(site: Site, body: object) -> None:
    site.answer = lambda _: says(body)
    assert site.asks().signed_in(signed("t")) is None


SILENT = {
    "429": (says({"message": "Too many requests"}, 429), "rate limit"),
    "500": (says(None, 500), "answers 500"),
    "503": (says(None, 503), "answers 503"),
    "401": (says(None, 401), "answers 401"),
    "404": (says(None, 404), "answers 404"),
    "a redirect": ((302, {"Location": "/elsewhere", "Content-Length": "0"}, b""), "answers 302"),
    "a page": ((200, {"Content-Type": "text/html"}, b"<h1>Hello</h1>"), "isn't JSON"),
    "nothing": ((200, {}, b""), "isn't JSON"),
    "half of it": ((200, {}, b'{"session": {'), "isn't JSON"),
    "no text": ((200, {}, b"\xff\xfe\x00"), "isn't JSON"),
    "somebody else's session": (says(session_of("other")), "another session"),
    "somebody else's user": (says(session_of("t", user={"id": "u2"})), "not its user's"),
    "no user id": (says(session_of("t", user={"id": None}, session={"userId": "u1"})), "not its"),
    "no ids at all": (
        says(session_of("t", user={"id": None}, session={"userId": None})),
        "not its",
    ),
    "an id that is none": (
        says(session_of("t", user={"id": True}, session={"userId": True})),
        "not",
    ),
    "endless": ((200, {}, b"[" + b" " * 70_000 + b"]"), "more than any session"),
    "deep": ((200, {}, b"[" * 60_000), "isn't JSON"),
}


@pytest.mark.parametrize(("answer", "reason"), SILENT.values(), ids=SILENT)
def test_anything_but_a_plain_answer_signs_nobody_out(
    site: Site, answer: tuple, reason: str
) -> None:
    site.answer = lambda _: answer
    asks = site.asks()
    for _ in range(2):
        with pytest.raises(MainSiteSilent, match=reason) as silent:
            asks.signed_in(signed("t"))
        assert signed("t") not in str(silent.value)
        assert SIGNER.sign("t") not in str(silent.value)
    # Not kept either: the next request may have more luck.
    assert len(site.asked) == 2
    site.answer = lambda _: says(session_of("t"))
    assert asks.signed_in(signed("t")) == ADA


@pytest.mark.parametrize(
    ("header", "value", "wait"),
    [
        ("X-Retry-After", "7", 7),
        ("Retry-After", "4", 4),
        ("X-Retry-After", "86400", 60),
        ("X-Retry-After", "soon", None),
        ("X-Nothing", "", None),
    ],
)
def test_a_rate_limit_says_when_to_ask_again(
    site: Site, header: str, value: str, wait: int | None
) -> None:
    site.answer = lambda _: says({}, 429, **{header: value})
    with pytest.raises(MainSiteSilent) as silent:
        site.asks().signed_in(signed("t"))
    assert silent.value.retry_after_s == wait


def test_a_cookie_never_goes_through_a_proxy_in_the_clear(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    asks = site.asks()
    assert asks.signed_in(signed("t")) is None
    asks.check()
    assert len(site.asked) == 2
    assert trusts_environment("https://www.example.com")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (says(None), None),
        (says(None, 404), "answers 404"),
        ((200, {}, b"<html>"), "isn't JSON"),
        (says(session_of("t")), "to nobody in particular"),
    ],
)
def test_the_check_asks_as_nobody(site: Site, answer: tuple, fault: str | None) -> None:
    site.answer = lambda _: answer
    if fault is None:
        site.asks().check()
    else:
        with pytest.raises(MainSiteSilent, match=fault):
            site.asks().check()
    assert [cookie for _, cookie in site.asked] == [""]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://www.example.com", "https://www.example.com/api/auth/get-session"),
        ("https://www.example.com/", "https://www.example.com/api/auth/get-session"),
        ("https://www.example.com/auth", "https://www.example.com/auth/get-session"),
        ("https://ep.example/neondb/auth/", "https://ep.example/neondb/auth/get-session"),
    ],
)
def test_the_address_is_where_better_auth_puts_it(base_url: str, url: str) -> None:
    assert get_session_url(base_url) == url
