"""How long an answer of the main site's is kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from onboarding.betterauth import get_session
from onboarding.betterauth.get_session import (
    MainSiteSilent,
)
from tests.betterauth.told_site import ADA, Site, says, session_of, signed


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass in an instant; gives the way to do it."""
    real, passed = get_session.time.monotonic, [0.0]
    monkeypatch.setattr(get_session.time, "monotonic", lambda: real() + passed[0])

    def pass_time(seconds: float) -> None:
        passed[0] += seconds

    return pass_time


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
