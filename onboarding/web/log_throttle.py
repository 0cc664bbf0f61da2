"""Limits log lines that anybody could make us write as often as they like."""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable


class LogThrottle:
    """Counts events of a few kinds, and releases a kind's count once in `every_s` seconds."""

    def __init__(self, every_s: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._next_at: dict[str, float] = {}

    def count(self, kind: str) -> int:
        """Count one event. Return how many to report now, 0 while the last report is recent."""
        with self._lock:
            self._counts[kind] += 1
            if self._clock() < self._next_at.get(kind, -math.inf):
                return 0
            self._next_at[kind] = self._clock() + self._every_s
            return self._counts.pop(kind)
