"""Asking the main site who a visitor is: what counts as an answer."""

from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from devstack.processes import free_port
from onboarding.betterauth.get_session import MainSiteError, get_session_url, trusts_environment
from tests.betterauth.fake_site import (
    COOKIE,
    NAME,
    SIGNED_IN,
    SIGNER,
    TIMEOUT_S,
    json_answer,
    session_body,
    signed,
)


def test_the_question_carries_the_one_cookie_and_asks_for_the_truth_alone(site):
    token = COOKIE.token(f"other=1; {NAME}={quote(signed('a b;c'))}; better-auth.session_data=x")
    assert token is not None
    site.client().signed_in(token, TIMEOUT_S)
    [(path, cookie)] = site.requests
    assert urlsplit(path).path == "/api/auth/get-session"
    assert parse_qs(urlsplit(path).query) == {
        "disableCookieCache": ["true"],
        "disableRefresh": ["true"],
    }
    assert ";" not in cookie
    assert COOKIE.token(cookie) == token


def test_what_is_set_for_one_visitor_never_travels_with_the_next(site):
    site.answer = lambda _: json_answer(
        None, **{"Set-Cookie": "better-auth.session_data=ada; Path=/"}
    )
    client = site.client()
    for token in ("ada", "grace"):
        client.signed_in(signed(token), TIMEOUT_S)
    assert [cookie.count("=") for _, cookie in site.requests] == [1, 1]
    assert [COOKIE.token(cookie) for _, cookie in site.requests] == [signed("ada"), signed("grace")]


BANNED = replace(SIGNED_IN, banned=True)
# What the answer has in its user and its session, and who is signed in by it.
USERS = {
    "plain": ({}, {}, SIGNED_IN),
    "no name, no e-mail": (
        {"name": None, "email": None},
        {},
        replace(SIGNED_IN, name="", email=""),
    ),
    "a numeric id": ({"id": 7}, {"userId": "7"}, replace(SIGNED_IN, user_id="7")),
    "banned for good": ({"banned": True, "banExpires": None}, {}, BANNED),
    "banned until tomorrow": ({"banned": True, "banExpires": "2999-01-01T00:00:00Z"}, {}, BANNED),
    "ban over": ({"banned": True, "banExpires": "2001-01-01T00:00:00.000Z"}, {}, SIGNED_IN),
    "ban NULL": ({"banned": None, "banExpires": "2999-01-01T00:00:00Z"}, {}, SIGNED_IN),
    "a guest": ({"isAnonymous": True}, {}, replace(SIGNED_IN, anonymous=True)),
    "impersonated": ({}, {"impersonatedBy": "u2"}, replace(SIGNED_IN, impersonated=True)),
    "not impersonated": ({}, {"impersonatedBy": None}, SIGNED_IN),
    "a name that no page can hold": ({"name": "A\ud800da"}, {}, replace(SIGNED_IN, name="A?da")),
    "a time beyond time": ({"banExpires": "0001-01-01T00:00:00+23:00"}, {}, SIGNED_IN),
}


@pytest.mark.parametrize(("user", "session", "expected"), USERS.values(), ids=USERS)
def test_an_answer_is_read_as_the_tables_are(site, user, session, expected):
    site.answer = lambda _: json_answer(session_body("t", user=user, session=session))
    assert site.client().signed_in(signed("t"), TIMEOUT_S) == expected


@pytest.mark.parametrize(
    "body",
    [
        *(None, {}, [], "signed in", {"user": {"id": "u1"}}),
        {"session": {"token": "t", "userId": "u1"}, "user": None},
    ],
    ids=str,
)
def test_without_a_session_and_a_user_nobody_is_signed_in(site, body):
    site.answer = lambda _: json_answer(body)
    assert site.client().signed_in(signed("t"), TIMEOUT_S) is None


PAGE = {"Content-Type": "text/html"}
SILENT = {
    "429": (json_answer({"message": "Too many requests"}, 429), "rate limit"),
    **{f"{s}": (json_answer(None, s), f"answers {s}") for s in (500, 503, 401, 404)},
    "a redirect": ((302, {"Location": "/elsewhere", "Content-Length": "0"}, b""), "answers 302"),
    **{
        ascii(body[:12]): ((200, PAGE, body), "isn't JSON")
        for body in (b"<h1>Hello</h1>", b"", b'{"session": {', b"\xff\xfe\x00", b"[" * 60_000)
    },
    "endless": ((200, {}, b"[" + b" " * 70_000 + b"]"), "more than any session"),
    "another session": (json_answer(session_body("other")), "another session"),
    "no token": (json_answer(session_body("t", session={"token": None})), "another session"),
    **{
        f"user {user}, session of {owner}": (
            json_answer(session_body("t", user={"id": user}, session={"userId": owner})),
            "doesn't belong to its user",
        )
        for user, owner in (("u2", "u1"), (None, "u1"), (None, None), (True, True))
    },
}


@pytest.mark.parametrize(("answer", "reason"), SILENT.values(), ids=SILENT)
def test_anything_but_a_plain_answer_signs_nobody_out(site, answer, reason):
    site.answer = lambda _: answer
    client = site.client()
    for _ in range(2):
        with pytest.raises(MainSiteError, match=reason) as silent:
            client.signed_in(signed("t"), TIMEOUT_S)
        assert signed("t") not in str(silent.value)
        assert SIGNER.sign("t") not in str(silent.value)
    # Not kept either: the next request may have more luck.
    assert len(site.requests) == 2
    site.answer = lambda _: json_answer(session_body("t"))
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN


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
def test_a_rate_limit_says_when_to_ask_again(site, header, value, wait):
    site.answer = lambda _: json_answer({}, 429, **{header: value})
    with pytest.raises(MainSiteError) as silent:
        site.client().signed_in(signed("t"), TIMEOUT_S)
    assert silent.value.retry_after_s == wait


def test_a_cookie_never_goes_through_a_proxy_in_the_clear(site, monkeypatch):
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    client = site.client()
    assert client.signed_in(signed("t"), TIMEOUT_S) is None
    client.check(TIMEOUT_S)
    assert len(site.requests) == 2
    assert trusts_environment("https://www.example.com")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (json_answer(None), None),
        (json_answer(None, 404), "answers 404"),
        ((200, {}, b"<html>"), "isn't JSON"),
        (json_answer(session_body("t")), "for a request without one"),
    ],
)
def test_the_check_asks_as_nobody(site, answer, fault):
    site.answer = lambda _: answer
    if fault is None:
        site.client().check(TIMEOUT_S)
    else:
        with pytest.raises(MainSiteError, match=fault):
            site.client().check(TIMEOUT_S)
    assert [cookie for _, cookie in site.requests] == [""]


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://www.example.com", "https://www.example.com/api/auth/get-session"),
        ("https://ep.example/neondb/auth/", "https://ep.example/neondb/auth/get-session"),
    ],
)
def test_the_address_is_where_better_auth_puts_it(base_url, url):
    assert get_session_url(base_url) == url
