"""How often one person may write: a moving window of a minute, by the library `limits`.

What is kept of them is a pseudonym and the times of their last writes, for a minute. Only who has a
live session is counted, so nobody can fill the memory with names of their own making.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from onboarding.values import MEMORY
from onboarding.web.seldom import Seldom

log = logging.getLogger(__name__)

# A shared counter that takes longer is none: the database still keeps every rule.
_SHARED_TIMEOUT_S = 0.25
# How long a silent one is left alone, so that only one write in this time waits for it.
_RESTS_S = 5
# limits 5.8 forgets a person's writes after the minute, but not that there was such a person.
_TIDY_AT = 256


class WriteLimit:
    """At most so many writes a minute of each person; 0 is without limit.

    `storage` is `values.MEMORY`, where each process counts for itself, or the address of a Redis that all of them share.
    While that doesn't answer, each counts for itself.
    """

    def __init__(
        self, per_minute: int, storage: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._counters: dict[str, MovingWindowRateLimiter] = {}
        self._tidy_at = _TIDY_AT
        self._seldom = Seldom()
        self._rests_until = -math.inf

    def wait_s(self, pseudonym: str) -> int:
        """Count one write; give 0 if it may be done, else in how many seconds to try again."""
        if self._limit is None:
            return 0
        if self._storage != MEMORY and self._clock() >= self._rests_until:
            try:
                return _wait_s(self._counter(self._storage), self._limit, pseudonym)
            except StorageError as error:
                self._rests_until = self._clock() + _RESTS_S
                if self._seldom.count("storage"):
                    log.warning(
                        "RATE_LIMIT_STORAGE doesn't answer, each process counts for itself: %s",
                        error.storage_error,
                    )
        counter = self._counter(MEMORY)
        # Whoever is forgotten must not be counting at the same time.
        with self._lock:
            self._tidy(counter.storage)
            return _wait_s(counter, self._limit, pseudonym)

    def _tidy(self, storage: Any) -> None:
        if len(storage.events) < self._tidy_at:
            return
        for key in [key for key, writes in storage.events.copy().items() if not writes]:
            storage.clear(key)
        self._tidy_at = max(_TIDY_AT, 2 * len(storage.events))

    def _counter(self, storage: str) -> MovingWindowRateLimiter:
        """Make each at its first use: the one in memory starts a thread, which no fork survives."""
        with self._lock:
            if storage not in self._counters:
                timeouts = dict.fromkeys(
                    ("socket_timeout", "socket_connect_timeout"), _SHARED_TIMEOUT_S
                )
                options = {} if storage == MEMORY else {"wrap_exceptions": True, **timeouts}
                self._counters[storage] = MovingWindowRateLimiter(
                    storage_from_string(storage, **options)
                )
            return self._counters[storage]


def _wait_s(counter: MovingWindowRateLimiter, limit: RateLimitItem, pseudonym: str) -> int:
    if counter.hit(limit, pseudonym):
        return 0
    free_at = counter.get_window_stats(limit, pseudonym).reset_time
    return max(1, math.ceil(free_at - time.time()))
