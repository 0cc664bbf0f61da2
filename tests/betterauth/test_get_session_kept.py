"""How long an answer of the main site's is kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.betterauth import get_session
from onboarding.betterauth.get_session import (
    MainSiteError,
)
from tests.betterauth.fake_site import (
    SIGNED_IN,
    TIMEOUT_S,
    FakeSite,
    json_answer,
    session_body,
    signed,
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass in an instant; return the way to do it."""
    real, passed = get_session.time.monotonic, [0.0]
    monkeypatch.setattr(get_session.time, "monotonic", lambda: real() + passed[0])

    def pass_time(seconds: float) -> None:
        passed[0] += seconds

    return pass_time


def test_the_check_asks_once_in_a_while_whoever_wants_it(
    site: FakeSite, clock: Callable[[float], None]
) -> None:
    client = site.client()
    for _ in range(5):
        client.check(TIMEOUT_S)
    assert len(site.requests) == 1
    site.answer = lambda _: json_answer(None, 503)
    clock(10)
    for _ in range(2):
        with pytest.raises(MainSiteError, match="answers 503"):
            client.check(TIMEOUT_S)
    assert len(site.requests) == 2


def test_an_answer_is_kept_for_its_time_and_not_a_moment_longer(
    site: FakeSite, clock: Callable[[float], None]
) -> None:
    site.answer = lambda _: json_answer(session_body("t"))
    client = site.client(cache_s=10)
    for _ in range(3):
        assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    assert len(site.requests) == 1
    # The person signs out on the main site; that is felt after ten seconds.
    site.answer = lambda _: json_answer(None)
    clock(9.5)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    clock(0.6)
    assert client.signed_in(signed("t"), TIMEOUT_S) is None
    assert client.signed_in(signed("t"), TIMEOUT_S) is None
    assert len(site.requests) == 2
    # Everybody has an answer of their own.
    assert client.signed_in(signed("u"), TIMEOUT_S) is None
    assert len(site.requests) == 3


def test_no_answer_outlives_its_session(site: FakeSite, clock: Callable[[float], None]) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    site.answer = lambda _: json_answer(session_body("t", session={"expiresAt": ends}))
    client = site.client(cache_s=10)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    clock(2)
    assert client.signed_in(signed("t"), TIMEOUT_S) == SIGNED_IN
    assert len(site.requests) == 1
    clock(2)
    client.signed_in(signed("t"), TIMEOUT_S)
    assert len(site.requests) == 2
