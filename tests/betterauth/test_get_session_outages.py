"""Asking a main site that is slow, hangs or is down; how long an answer of its is kept."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from devstack.processes import free_port
from onboarding.betterauth import get_session
from onboarding.betterauth.get_session import GetSession, MainSiteError
from tests.betterauth.fake_site import (
    COOKIE,
    SIGNED_IN,
    TIMEOUT_S,
    json_answer,
    session_body,
    signed,
)


def test_where_nobody_listens_or_answers_the_main_site_is_silent(site):
    url = f"http://127.0.0.1:{free_port()}/api/auth/get-session"
    with closing(GetSession(url, COOKIE, 10)) as client:
        for ask in (lambda: client.signed_in(signed("t"), TIMEOUT_S), lambda: client.check(3)):
            with pytest.raises(MainSiteError, match=r"get-session: ConnectError$"):
                ask()
    done = Event()
    site.answer = lambda _: (done.wait(30), json_answer(None))[1]
    with pytest.raises(MainSiteError, match="ReadTimeout"):
        site.client().signed_in(signed("t"), 0.2)
    done.set()


def test_an_answer_that_drips_is_none(site):
    site.seconds_a_byte = 0.1
    with pytest.raises(MainSiteError, match="ReadTimeout"):
        site.client().signed_in(signed("t"), 0.3)


def test_a_request_waits_for_a_free_connection_no_longer_than_its_timeout(site):
    done = Event()
    site.answer = lambda _: (done.wait(30), json_answer(None))[1]
    client = site.client()
    waiting = [
        Thread(target=client.signed_in, args=(signed(f"t{number}"), TIMEOUT_S))
        for number in range(5)
    ]
    for thread in waiting:
        thread.start()
    while len(site.requests) < 5:
        time.sleep(0.01)
    with pytest.raises(MainSiteError, match="too many requests are waiting"):
        client.signed_in(signed("one more"), 0.1)
    done.set()
    for thread in waiting:
        thread.join()
    assert client.signed_in(signed("one more"), TIMEOUT_S) is None


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(site):
    site.answer = lambda _: json_answer(session_body("t"))
    client = site.client(cache_s=0)
    site.dropped_requests = 1
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    site.dropped_requests = 2
    with pytest.raises(MainSiteError, match="RemoteProtocolError"):
        client.signed_in(signed("t"), TIMEOUT_S)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Stop the clock, and return what puts it on by so many seconds."""
    now = [get_session.time.monotonic()]
    monkeypatch.setattr(get_session.time, "monotonic", lambda: now[0])

    def pass_time(seconds: float) -> None:
        now[0] += seconds

    return pass_time


def test_the_check_asks_once_in_a_while_whoever_wants_it(site, pass_time):
    client = site.client()
    for _ in range(5):
        client.check(TIMEOUT_S)
    assert len(site.requests) == 1
    site.answer = lambda _: json_answer(None, 503)
    pass_time(10)
    for _ in range(2):
        with pytest.raises(MainSiteError, match="answers 503"):
            client.check(TIMEOUT_S)
    assert len(site.requests) == 2


def test_an_answer_is_kept_for_its_time_and_not_a_moment_longer(site, pass_time):
    site.answer = lambda _: json_answer(session_body("t"))
    client = site.client(cache_s=10)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    # The person signs out on the main site; that is felt after ten seconds.
    site.answer = lambda _: json_answer(None)
    pass_time(9.5)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    assert len(site.requests) == 1
    # Everybody has an answer of their own.
    assert client.signed_in(signed("u"), TIMEOUT_S) is None
    pass_time(0.6)
    assert client.signed_in(signed("t"), TIMEOUT_S) is None


def test_no_answer_outlives_its_session(site, pass_time):
    ends = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    site.answer = lambda _: json_answer(session_body("t", session={"expiresAt": ends}))
    client = site.client(cache_s=1000)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    site.answer = lambda _: json_answer(None)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    pass_time(61)
    assert client.signed_in(signed("t"), TIMEOUT_S) is None
