"""Asking a main site that is slow, hangs, or is down."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event, Thread

import pytest

from devstack.processes import free_port
from onboarding.betterauth import get_session
from onboarding.betterauth.get_session import (
    GetSession,
    MainSiteSilent,
)
from tests.betterauth.told_site import ADA, COOKIE, Site, says, session_of, signed


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


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(site: Site) -> None:
    site.answer = lambda cookie: says(session_of((COOKIE.token(cookie) or "").partition(".")[0]))
    asks = site.asks(cache_s=0)
    site.hangs_up = 1
    assert asks.signed_in(signed("t")) == ADA
    site.hangs_up = 2
    with pytest.raises(MainSiteSilent, match="RemoteProtocolError"):
        asks.signed_in(signed("t"))
    assert asks.signed_in(signed("t")) == ADA
