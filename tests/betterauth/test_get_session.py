"""Asking the main site who a visitor is: what counts as an answer, and how long it is kept."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from devstack.processes import free_port
from onboarding.betterauth import get_session
from onboarding.betterauth.endpoints import get_session_url
from onboarding.betterauth.get_session import (
    GetSession,
    MainSiteSilent,
    trusts_environment,
)
from onboarding.betterauth.session import SignedIn
from tests.betterauth.told_site import COOKIE, NAME, SIGNER, Site, says, session_of, signed
from tests.conftest import Stage
from tests.visitor import Person


@pytest.fixture
def site() -> Iterator[Site]:
    yield from Site().run()


ADA = SignedIn("u1", "Ada", "ada@example.test", banned=False, anonymous=False, impersonated=False)


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


def test_where_nobody_listens_or_answers_the_main_site_is_silent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{free_port()}/api/auth/get-session"
    with closing(GetSession(url, COOKIE, 10)) as asks:
        with pytest.raises(MainSiteSilent, match=r"get-session: ConnectError$"):
            asks.signed_in(signed("t"))
        with pytest.raises(MainSiteSilent, match="ConnectError"):
            asks.check()
    monkeypatch.setattr(get_session, "TIMEOUT_S", 0.2)
    done = Event()
    site.answer = lambda _: (done.wait(5), says(None))[1]
    with pytest.raises(MainSiteSilent, match="ReadTimeout"):
        site.asks().signed_in(signed("t"))
    done.set()


def test_an_answer_that_drips_is_none(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(get_session, "TIMEOUT_S", 0.3)
    site.drips = 0.1
    began = time.monotonic()
    with pytest.raises(MainSiteSilent, match="ReadTimeout"):
        site.asks().signed_in(signed("t"))
    assert time.monotonic() - began < 1


def test_while_the_main_site_hangs_only_some_wait_for_it(site: Site) -> None:
    done = Event()
    site.answer = lambda _: (done.wait(10), says(None))[1]
    asks, waiting = site.asks(room=5), []
    for number in range(5):
        waiting.append(Thread(target=asks.signed_in, args=(signed(f"t{number}"),)))
        waiting[-1].start()
    while len(site.asked) < 5:
        time.sleep(0.01)
    began = time.monotonic()
    for _ in range(4):
        with pytest.raises(MainSiteSilent, match="too many wait"):
            asks.signed_in(signed("one more"))
    assert time.monotonic() - began < 1
    done.set()
    for thread in waiting:
        thread.join()
    # Then there is room again: a crowd is no outage.
    assert asks.signed_in(signed("one more")) is None


def test_a_crowd_waits_for_a_main_site_that_answers(site: Site) -> None:
    site.answer = lambda _: (time.sleep(0.1), says(None))[1]
    asks = site.asks()
    with ThreadPoolExecutor(25) as crowd:
        seen = [crowd.submit(asks.signed_in, signed(f"t{number}")) for number in range(25)]
    assert [one.exception() for one in seen] == [None] * 25


def test_a_main_site_that_answers_anything_is_up(site: Site) -> None:
    asks = site.asks()
    site.answer = lambda _: says({}, 500)
    for _ in range(3):
        site.hangs_up = 4
        for reason in ("RemoteProtocolError", "RemoteProtocolError", "answers 500"):
            with pytest.raises(MainSiteSilent, match=reason):
                asks.signed_in(signed("t"))


def test_a_main_site_that_is_down_is_asked_twice_a_second_and_nobody_else_waits_for_it(
    site: Site,
) -> None:
    asks = site.asks()
    # Any other answer may be a visitor's own doing, and is nobody else's loss.
    site.answer = lambda _: says({}, 500)
    for number in range(4):
        with pytest.raises(MainSiteSilent, match="answers 500"):
            asks.signed_in(signed(f"t{number}"))
    site.hangs_up = 6
    for _ in range(3):
        with pytest.raises(MainSiteSilent, match="RemoteProtocolError"):
            asks.signed_in(signed("t"))
    site.answer = lambda _: says(session_of("t"))
    assert (site.hangs_up, len(site.asked)) == (0, 10)
    with pytest.raises(MainSiteSilent, match="did not answer a moment ago"):
        asks.signed_in(signed("t"))
    assert len(site.asked) == 10
    time.sleep(0.5)
    assert asks.signed_in(signed("t")) == ADA


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


def test_the_check_asks_once_in_a_while_whoever_wants_it(
    site: Site, clock: Callable[[float], None]
) -> None:
    asks = site.asks()
    for _ in range(5):
        asks.check()
    assert len(site.asked) == 1
    site.answer = lambda _: says(None, 503)
    clock(10)
    for _ in range(2):
        with pytest.raises(MainSiteSilent, match="answers 503"):
            asks.check()
    assert len(site.asked) == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(site: Site) -> None:
    site.answer = lambda cookie: says(session_of((COOKIE.token(cookie) or "").partition(".")[0]))
    asks = site.asks(cache_s=0)
    site.hangs_up = 1
    assert asks.signed_in(signed("t")) == ADA
    site.hangs_up = 2
    with pytest.raises(MainSiteSilent, match="RemoteProtocolError"):
        asks.signed_in(signed("t"))
    assert asks.signed_in(signed("t")) == ADA


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass in an instant; gives the way to do it."""
    real, passed = get_session.time.monotonic, [0.0]
    monkeypatch.setattr(get_session.time, "monotonic", lambda: real() + passed[0])

    def pass_time(seconds: float) -> None:
        passed[0] += seconds

    return pass_time


def test_an_answer_is_kept_for_its_time_and_not_a_moment_longer(
    site: Site, clock: Callable[[float], None]
) -> None:
    site.answer = lambda _: says(session_of("t"))
    asks = site.asks(cache_s=10)
    for _ in range(3):
        assert asks.signed_in(signed("t")) == ADA
    assert len(site.asked) == 1
    # The person signs out on the main site; that is felt after ten seconds.
    site.answer = lambda _: says(None)
    clock(9.5)
    assert asks.signed_in(signed("t")) == ADA
    clock(0.6)
    assert asks.signed_in(signed("t")) is None
    assert asks.signed_in(signed("t")) is None
    assert len(site.asked) == 2
    # Everybody has an answer of their own.
    assert asks.signed_in(signed("u")) is None
    assert len(site.asked) == 3


def test_no_answer_outlives_its_session(site: Site, clock: Callable[[float], None]) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    site.answer = lambda _: says(session_of("t", session={"expiresAt": ends}))
    asks = site.asks(cache_s=10)
    assert asks.signed_in(signed("t")) == ADA
    clock(2)
    assert asks.signed_in(signed("t")) == ADA
    assert len(site.asked) == 1
    clock(2)
    asks.signed_in(signed("t"))
    assert len(site.asked) == 2


def test_without_a_cache_every_look_is_a_question(site: Site) -> None:
    site.answer = lambda _: says(session_of("t"))
    asks = site.asks(cache_s=0)
    for _ in range(3):
        asks.signed_in(signed("t"))
    assert len(site.asked) == 3


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
