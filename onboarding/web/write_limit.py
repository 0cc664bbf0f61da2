"""How often one user may write in a minute, counted by the library `limits`.

A user's pseudonym and the number of their writes are kept for a minute. Only users with a live session
are counted, so nobody can fill the memory with names of their own making.
"""

import logging
import math
import time
from collections.abc import Callable

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from onboarding.setting_parsers import MEMORY
from onboarding.web.log_throttle import LogThrottle

log = logging.getLogger(__name__)

# A shared counter that takes longer counts as silent: the database still keeps every rule.
_STORAGE_TIMEOUT_S = 0.25
# How long a counter that didn't answer isn't asked again, so that only one write waits for it.
_STORAGE_PAUSE_S = 5


class WriteLimit:
    """Limits each user to so many writes a minute; 0 is without limit.

    `storage` is `MEMORY`, where each process counts by itself, or the URL of a Redis that all
    processes share. While that doesn't answer, each counts by itself.
    """

    def __init__(
        self, per_minute: int, storage: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared = None if storage == MEMORY else _shared(storage)
        self._clock = clock
        self._log_throttle = LogThrottle()
        self._paused_until = -math.inf

    def wait_s(self, pseudonym: str) -> int:
        """Count one write. Return 0 if it may be done, else the seconds until the next may be."""
        if self._limit is None:
            return 0
        if self._shared and self._clock() >= self._paused_until:
            try:
                return _hit(self._shared, self._limit, pseudonym)
            except StorageError as error:
                self._paused_until = self._clock() + _STORAGE_PAUSE_S
                if self._log_throttle.count("storage"):
                    log.warning(
                        "RATE_LIMIT_STORAGE doesn't answer, each process counts by itself: %s",
                        error.storage_error,
                    )
        return _hit(self._local, self._limit, pseudonym)


def _shared(url: str) -> FixedWindowRateLimiter:
    timeouts = dict.fromkeys(("socket_timeout", "socket_connect_timeout"), _STORAGE_TIMEOUT_S)
    return FixedWindowRateLimiter(storage_from_string(url, wrap_exceptions=True, **timeouts))


def _hit(limiter: FixedWindowRateLimiter, limit: RateLimitItem, pseudonym: str) -> int:
    if limiter.hit(limit, pseudonym):
        return 0
    free_at = limiter.get_window_stats(limit, pseudonym).reset_time
    return max(1, math.ceil(free_at - time.time()))
