"""A deadline, a retry, a bulkhead and a breaker: what they do with time, without any database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import pytest

from onboarding.resilience import (
    LONGEST_PAUSE_S,
    MOVING_S,
    Breaker,
    Bulkhead,
    NotAsked,
    Within,
    persistently,
    seconds_left,
)


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


def bulkhead(places: int = 1, room: float = inf) -> Bulkhead:
    return Bulkhead("it", places, room, passes)


@contextmanager
def taken(bulkhead: Bulkhead, count: int = 1) -> Iterator[None]:
    """Keep so many inside, at work or waiting for it."""
    done = threading.Event()
    inside = [threading.Thread(target=bulkhead.do, args=(10, done.wait)) for _ in range(count)]
    for thread in inside:
        thread.start()
    while bulkhead._inside < count:
        time.sleep(0.005)
    try:
        yield
    finally:
        done.set()
        for thread in inside:
            thread.join()


def fail(bulkhead: Bulkhead, times: int = 3, budget_s: float = 1) -> None:
    for _ in range(times):
        with pytest.raises(Passing):
            bulkhead.do(budget_s, Failing(inf))


def test_silence_is_told_to_others_after_three_times() -> None:
    to_it = bulkhead()
    fail(to_it)
    with pytest.raises(NotAsked, match="it did not answer a moment ago"):
        to_it.do(1, lambda: 7)


def test_a_refusal_is_an_answer() -> None:
    to_it = bulkhead()
    fail(to_it, 2)
    with pytest.raises(LookupError):
        to_it.do(1, Failing(inf, LookupError))
    fail(to_it, 2)
    assert to_it.do(1, lambda: 7) == 7


def test_a_short_deadline_is_no_outage() -> None:
    to_it = bulkhead()
    with Within(0.45):
        fail(to_it, 5)
    assert to_it.do(1, lambda: 7) == 7


def test_a_crowd_is_no_outage() -> None:
    to_it = bulkhead(places=1, room=2)
    with taken(to_it):
        for _ in range(5):
            # It waits for its turn until no time is left.
            with pytest.raises(NotAsked, match="too many wait for it"):
                to_it.do(0.05, lambda: 7)
    with taken(to_it, 2):
        time.sleep(MOVING_S)
        for _ in range(5):
            with pytest.raises(NotAsked, match="too many wait for it"):
                to_it.do(1, lambda: 7)
    assert to_it.do(1, lambda: 7) == 7


def test_nobody_waits_for_room_longer_than_their_deadline() -> None:
    to_it = bulkhead(room=1)
    with taken(to_it):
        began = time.monotonic()
        with Within(0.01), pytest.raises(NotAsked, match="too many wait for it"):
            to_it.do(5, lambda: 7)
        assert time.monotonic() - began < MOVING_S - 0.01


def test_what_finds_no_room_uses_up_no_trial() -> None:
    to_it, inside, done = bulkhead(room=1), threading.Event(), threading.Event()

    def end_in_silence() -> None:
        inside.set()
        done.wait()
        raise Passing

    def impatient() -> None:
        with Within(4), pytest.raises(Passing):
            to_it.do(10, end_in_silence)

    other = threading.Thread(target=impatient)
    other.start()
    inside.wait()
    for _ in range(Breaker.FAILURES):
        to_it._breaker.failed()
    time.sleep(max(Breaker.PAUSE_S, MOVING_S))
    with pytest.raises(NotAsked, match="too many wait for it"):
        to_it.do(1, lambda: 7)
    done.set()
    other.join()
    assert to_it.do(1, lambda: 7) == 7


def test_what_would_end_too_late_is_not_begun() -> None:
    attempts = Failing(0)
    with Within(0.05), pytest.raises(NotAsked, match="no time is left to ask it"):
        bulkhead().do(5, attempts)
    assert attempts.attempts == 0
