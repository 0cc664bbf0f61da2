"""A deadline, a retry and a breaker: what they do with time, without any database."""

import time
from math import inf

import pytest

from onboarding.resilience import LONGEST_PAUSE_S, Breaker, Within, persistently, seconds_left


class Passing(Exception):
    """Passes by itself."""


def passes(error: BaseException) -> bool:
    return isinstance(error, Passing)


class Failing:
    """Fails so many times, and then gives the number of its attempts."""

    def __init__(self, times: float, error: type[Exception] = Passing) -> None:
        self.times = times
        self.error = error
        self.attempts = 0

    def __call__(self) -> int:
        self.attempts += 1
        if self.attempts <= self.times:
            raise self.error(f"attempt {self.attempts}")
        return self.attempts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_deadline_there_is_no_end() -> None:
    assert seconds_left() == inf


def test_a_deadline_counts_down_and_is_gone_afterwards() -> None:
    with Within(5):
        first = seconds_left()
        time.sleep(0.01)
        assert 4 < seconds_left() < first <= 5
    assert seconds_left() == inf


def test_the_earlier_of_two_deadlines_counts() -> None:
    with Within(5):
        with Within(60):
            assert seconds_left() <= 5
        with Within(1):
            assert seconds_left() <= 1
        assert 4 < seconds_left() <= 5


def test_a_deadline_is_gone_after_an_error() -> None:
    with pytest.raises(LookupError), Within(5):
        raise LookupError
    assert seconds_left() == inf


@pytest.mark.parametrize("failures", [0, 1, 4])
def test_what_passes_is_done_again_until_it_succeeds(failures: int) -> None:
    with Within(5):
        assert persistently(Failing(failures), passes) == failures + 1


def test_the_second_attempt_comes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("slept"))
    with Within(5):
        assert persistently(Failing(1), passes) == 2


def test_pauses_grow_and_are_never_the_same_and_have_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
    for _ in range(50):
        with Within(600):
            persistently(Failing(12), passes)
    rounds = [pauses[start : start + 11] for start in range(0, len(pauses), 11)]
    assert len(rounds) == 50
    assert max(one[0] for one in rounds) <= 0.02
    assert LONGEST_PAUSE_S / 2 < max(one[-1] for one in rounds) <= LONGEST_PAUSE_S
    assert len(set(pauses)) == len(pauses)


def test_time_is_up_before_the_deadline_and_the_last_error_is_told() -> None:
    failing = Failing(inf)
    with Within(0.3):
        with pytest.raises(Passing) as told:
            persistently(failing, passes)
        assert seconds_left() > -0.05
    assert failing.attempts > 2
    assert str(told.value) == f"attempt {failing.attempts}"


def test_what_does_not_pass_is_told_at_once() -> None:
    failing = Failing(inf, LookupError)
    with Within(5), pytest.raises(LookupError):
        persistently(failing, passes)
    assert failing.attempts == 1


def test_what_stops_passing_half_way_is_told_then() -> None:
    attempts = []

    def attempt() -> None:
        attempts.append(1)
        raise Passing if len(attempts) < 3 else LookupError

    with Within(5), pytest.raises(LookupError):
        persistently(attempt, passes)
    assert len(attempts) == 3


def test_after_the_deadline_nothing_is_done_again() -> None:
    failing = Failing(inf)
    with Within(0), pytest.raises(Passing):
        persistently(failing, passes)
    assert failing.attempts == 1


def test_a_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = Breaker(Clock())
    for _ in range(2):
        breaker.failed()
        assert breaker.lets_through()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
        assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    return breaker


def test_an_open_breaker_lets_one_through_every_half_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.49
    assert not breaker.lets_through()
    for _ in range(3):
        clock.now += 0.5
        assert [breaker.lets_through() for _ in range(4)] == [True, False, False, False]


def test_the_first_success_lets_everybody_through_again() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.5
    assert breaker.lets_through()
    breaker.succeeded()
    assert all(breaker.lets_through() for _ in range(4))
    breaker.failed()
    assert breaker.lets_through()


def test_a_failed_trial_keeps_it_open_for_another_half_second() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 0.6
    assert breaker.lets_through()
    clock.now += 0.3
    breaker.failed()
    clock.now += 0.4
    assert not breaker.lets_through()
    clock.now += 0.1
    assert breaker.lets_through()
