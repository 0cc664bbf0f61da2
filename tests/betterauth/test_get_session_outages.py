"""Asking a main site that is slow, hangs, or is down."""

import time
from contextlib import closing
from threading import Event, Thread

import pytest

from devstack.processes import free_port
from onboarding.betterauth.get_session import (
    GetSession,
    MainSiteError,
)
from tests.betterauth.fake_site import (
    COOKIE,
    SIGNED_IN,
    TIMEOUT_S,
    FakeSite,
    json_answer,
    session_body,
    signed,
)


def test_where_nobody_listens_or_answers_the_main_site_is_silent(
    site: FakeSite,
) -> None:
    url = f"http://127.0.0.1:{free_port()}/api/auth/get-session"
    with closing(GetSession(url, COOKIE, 10)) as client:
        with pytest.raises(MainSiteError, match=r"get-session: ConnectError$"):
            client.signed_in(signed("t"), TIMEOUT_S)
        with pytest.raises(MainSiteError, match="ConnectError"):
            client.check(TIMEOUT_S)
    done = Event()
    site.answer = lambda _: (done.wait(5), json_answer(None))[1]
    with pytest.raises(MainSiteError, match="ReadTimeout"):
        site.client().signed_in(signed("t"), 0.2)
    done.set()


def test_an_answer_that_drips_is_none(site: FakeSite) -> None:
    site.seconds_a_byte = 0.1
    with pytest.raises(MainSiteError, match="ReadTimeout"):
        site.client().signed_in(signed("t"), 0.3)


def test_a_request_waits_for_a_free_connection_no_longer_than_its_timeout(site: FakeSite) -> None:
    done = Event()
    site.answer = lambda _: (done.wait(10), json_answer(None))[1]
    client, waiting = site.client(), []
    for number in range(5):
        waiting.append(Thread(target=client.signed_in, args=(signed(f"t{number}"), 10)))
        waiting[-1].start()
    while len(site.requests) < 5:
        time.sleep(0.01)
    with pytest.raises(MainSiteError, match="too many requests are waiting") as error:
        client.signed_in(signed("one more"), 0.1)
    assert not error.value.answered
    done.set()
    for thread in waiting:
        thread.join()
    assert client.signed_in(signed("one more"), TIMEOUT_S) is None


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_once(site: FakeSite) -> None:
    site.answer = lambda cookie: json_answer(
        session_body((COOKIE.token(cookie) or "").partition(".")[0])
    )
    client = site.client(cache_s=0)
    site.dropped_requests = 1
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    site.dropped_requests = 2
    with pytest.raises(MainSiteError, match="RemoteProtocolError"):
        client.signed_in(signed("t"), TIMEOUT_S)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
