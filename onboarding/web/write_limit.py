"""How often one user may write: a moving window of a minute, by the library `limits`.

A user's pseudonym and the times of their last writes are kept for a minute. Only users with a live
session are counted, so nobody can fill the memory with names of their own making.
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

from onboarding.parsers import MEMORY
from onboarding.web.log_throttle import LogThrottle

log = logging.getLogger(__name__)

# A shared counter that takes longer counts as silent: the database still keeps every rule.
_STORAGE_TIMEOUT_S = 0.25
# How long a counter that didn't answer isn't asked again, so that only one write waits for it.
_STORAGE_PAUSE_S = 5
# limits 5.8 forgets a user's writes after the minute, but not that there was such a user.
_TIDY_AT = 256


class WriteLimit:
    """Limits each user to so many writes a minute; 0 is without limit.

    `storage` is `parsers.MEMORY`, where each process counts by itself, or the URL of a Redis that all
    processes share. While that doesn't answer, each counts by itself.
    """

    def __init__(
        self, per_minute: int, storage: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._storage = storage
        self._clock = clock
        self._lock = threading.Lock()
        self._limiters: dict[str, MovingWindowRateLimiter] = {}
        self._tidy_at = _TIDY_AT
        self._log_throttle = LogThrottle()
        self._paused_until = -math.inf

    def wait_s(self, pseudonym: str) -> int:
        """Count one write. Return 0 if it may be done, else the seconds until the next may be."""
        if self._limit is None:
            return 0
        if self._storage != MEMORY and self._clock() >= self._paused_until:
            try:
                return _hit(self._limiter(self._storage), self._limit, pseudonym)
            except StorageError as error:
                self._paused_until = self._clock() + _STORAGE_PAUSE_S
                if self._log_throttle.count("storage"):
                    log.warning(
                        "RATE_LIMIT_STORAGE doesn't answer, each process counts by itself: %s",
                        error.storage_error,
                    )
        limiter = self._limiter(MEMORY)
        # A user who is being forgotten must not be counted at the same time.
        with self._lock:
            self._tidy(limiter.storage)
            return _hit(limiter, self._limit, pseudonym)

    def _tidy(self, storage: Any) -> None:
        if len(storage.events) < self._tidy_at:
            return
        for key in [key for key, writes in storage.events.copy().items() if not writes]:
            storage.clear(key)
        self._tidy_at = max(_TIDY_AT, 2 * len(storage.events))

    def _limiter(self, storage: str) -> MovingWindowRateLimiter:
        """Make each at its first use: the one in memory starts a thread, which no fork survives."""
        with self._lock:
            if storage not in self._limiters:
                timeouts = dict.fromkeys(
                    ("socket_timeout", "socket_connect_timeout"), _STORAGE_TIMEOUT_S
                )
                options = {} if storage == MEMORY else {"wrap_exceptions": True, **timeouts}
                self._limiters[storage] = MovingWindowRateLimiter(
                    storage_from_string(storage, **options)
                )
            return self._limiters[storage]


def _hit(limiter: MovingWindowRateLimiter, limit: RateLimitItem, pseudonym: str) -> int:
    if limiter.hit(limit, pseudonym):
        return 0
    free_at = limiter.get_window_stats(limit, pseudonym).reset_time
    return max(1, math.ceil(free_at - time.time()))
