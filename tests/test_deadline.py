"""Deadlines, and the limit on how many wait for another machine, without any database."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from onboarding.deadline import WaitingLimit, seconds_left


@contextmanager
def waiting(limit: WaitingLimit, count: int) -> Iterator[None]:
    """Keep `count` threads inside the limit."""
    done, inside = threading.Event(), threading.Semaphore(0)

    def work() -> None:
        inside.release()
        done.wait()

    threads = [threading.Thread(target=limit.run, args=(30, work)) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            assert inside.acquire(timeout=10), "one was refused"
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def time_out(limit: WaitingLimit) -> None:
    """Spend a whole budget without an answer."""

    def work() -> None:
        time.sleep(seconds_left())
        raise TimeoutError

    with pytest.raises(TimeoutError):
        limit.run(0.05, work)


def test_below_the_limit_nobody_is_refused_whatever_came_before() -> None:
    limit = WaitingLimit("it", 2)
    time_out(limit)
    with waiting(limit, 1):
        assert limit.run(5, lambda: 7) == 7


def test_an_error_that_comes_at_once_is_no_silence() -> None:
    limit = WaitingLimit("it", 1)

    def refuse() -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            limit.run(5, refuse)
    with waiting(limit, 2):
        assert limit.run(5, lambda: 7) == 7
