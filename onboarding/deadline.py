"""The deadline of a request, and the limit on how many requests wait for another machine."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import TypeVar

T = TypeVar("T")

# On the clock of time.monotonic(). A context variable, because the driver's waits, far below the
# code that knows the budget, are what must end by it.
_deadline: ContextVar[float] = ContextVar("deadline", default=inf)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit what runs inside to so many seconds; an earlier deadline stays.

    Nothing is interrupted: whatever waits asks `seconds_left`.
    """
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """Return the seconds until the deadline: negative after it, infinity without one."""
    return _deadline.get() - time.monotonic()


class WaitingLimit:
    """Limits how many wait for another machine, called `name` in errors, while it doesn't answer.

    While it answers, everybody may wait as long as their deadline allows: a crowd is never refused.
    Once a whole budget has passed without an answer to anybody, whoever finds `limit` others waiting is
    refused at once, so that the server has threads left for its health checks. The first answer ends
    that.
    """

    def __init__(self, name: str, limit: float = inf) -> None:
        self._name = name
        self._limit = limit
        self._lock = threading.Lock()
        self._waiting = 0
        self._answered_at = -inf
        # When the latest one came who spent a budget without an answer.
        self._unanswered_since = -inf

    def run(self, budget_s: float, work: Callable[[], T]) -> T:
        """Return what `work` returns, with a deadline in `budget_s` seconds.

        Raise TimeoutError if it is refused. An error of `work` counts as silence if it took long, else
        not. (Half of the budget is long: work gives up when no time is left for another attempt.)
        """
        came_at = time.monotonic()
        with self._lock:
            if self._waiting >= self._limit and self._unanswered_since > self._answered_at:
                raise TimeoutError(f"{self._name} does not answer, and others wait for it already")
            self._waiting += 1
        try:
            with time_limit(budget_s):
                result = work()
            self._answered_at = time.monotonic()
            return result
        except Exception:
            if time.monotonic() - came_at > budget_s / 2:
                self._unanswered_since = max(self._unanswered_since, came_at)
            raise
        finally:
            with self._lock:
                self._waiting -= 1
