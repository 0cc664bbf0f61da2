"""A brake for log lines that anybody could make us write as often as they like."""

import threading
import time
from collections.abc import Callable


class Seldom:
    """Counts events, and gives the count out once in `every_s` seconds."""

    def __init__(self, every_s: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._next_at = -float("inf")

    def count(self) -> int:
        """Count one event; give how many there were since the last time, or 0: not yet."""
        with self._lock:
            self._waiting += 1
            if self._clock() < self._next_at:
                return 0
            told, self._waiting = self._waiting, 0
            self._next_at = self._clock() + self._every_s
            return told
