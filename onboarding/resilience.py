"""How work that needs another machine is bounded: deadline, whole-work retry, breaker, bulkhead.

Nothing here knows what the work is; who asks another machine says which errors pass by themselves,
and which are its silence.
"""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from queue import Empty, SimpleQueue
from typing import TypeVar

from tenacity import Retrying, retry_if_exception, stop_before_delay, wait_random_exponential

T = TypeVar("T")

# Long enough for a killed connection to be replaced, short enough that nobody notices; the jitter
# keeps those who failed together from coming back together.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.4

# What is left below this is no time to ask in: the answer would come too late, and the connection that
# it comes on would be lost.
LEAST_S = 0.1

# Where callers wait for room, somebody enters or leaves more often than this while answers come. Short,
# since those who wait hold the threads that the probes need.
MOVING_S = 0.06

# On the clock of time.monotonic(). A variable of the context rather than an argument: the driver's
# waits, far below, are what must end by it.
_deadline: ContextVar[float] = ContextVar("deadline", default=inf)


class Within:
    """Gives what is done inside so many seconds in all; an earlier deadline around it stays.

    It cuts nothing off by itself. What waits inside asks `seconds_left` how long it may. (A class,
    since `contextlib` would take three times as long, at every query.)
    """

    __slots__ = ("_seconds", "_token")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        deadline = time.monotonic() + self._seconds
        self._token = _deadline.set(min(_deadline.get(), deadline))

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


def seconds_left() -> float:
    """Give how long may still be waited: infinitely without a deadline, below 0 after it."""
    return _deadline.get() - time.monotonic()


def persistently(attempt: Callable[[], T], passes: Callable[[BaseException], bool]) -> T:
    """Do `attempt` until it succeeds, fails with an error that doesn't pass, or time is up.

    `attempt` is the whole of the work and safe to repeat. Needs a deadline around it (`Within`).
    Raises the last error. The second attempt comes at once: most often a kept connection had died,
    and a new one is all that is needed.
    """
    try:
        return attempt()  # nearly always: it doesn't pay the 20 µs that tenacity takes to say so
    except Exception as error:
        if not passes(error) or seconds_left() < LEAST_S:
            raise
    again = Retrying(
        retry=retry_if_exception(passes),
        wait=wait_random_exponential(multiplier=FIRST_PAUSE_S, max=LONGEST_PAUSE_S),
        stop=stop_before_delay(seconds_left() - LEAST_S),
        reraise=True,
    )
    return again(attempt)


class Breaker:
    """Tells callers at once that something is down, instead of letting each of them find out.

    After three failures in a row it lets one caller through every half second; the others are told
    at once. The first success lets everybody through again. Our own, since pybreaker keeps a lock
    for as long as a call takes: one that hangs would hold up all others, which is the very thing to
    prevent.
    """

    FAILURES = 3
    PAUSE_S = 0.5

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._next_trial = -inf

    def lets_through(self) -> bool:
        """Tell whether to try at all. Whoever is let through tells how it went."""
        if self._failures < self.FAILURES:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_trial:
                return False
            # A trial that hangs holds up nobody: the next one comes half a second after it.
            self._next_trial = now + self.PAUSE_S
            return True

    def failed(self) -> None:
        """Count a failure."""
        with self._lock:
            self._failures += 1
            self._next_trial = self._clock() + self.PAUSE_S

    def succeeded(self) -> None:
        """Forget the failures."""
        if self._failures:
            with self._lock:
                self._failures = 0


class NotAsked(Exception):
    """The other machine wasn't asked at all; says why."""


class Bulkhead:
    """Bounds what waits for another machine, and notices when it is silent.

    At most `places` pieces of work are under way at once, and `room` are inside, those that wait for
    their turn included. Whoever comes then waits while others enter or leave, and is told when nobody
    has for a while (`MOVING_S`).
    While the breaker is open everybody is told at once, but for its trials.

    A crowd or a short deadline is no outage: the breaker counts only work that was begun with half of
    its budget left at least, and then ended in what `is_silence`. Any other end is an answer.
    """

    def __init__(
        self, name: str, places: int, room: float, is_silence: Callable[[BaseException], bool]
    ) -> None:
        self._name = name
        # A queue of places rather than a semaphore, which is written in Python: 3 µs less at every read.
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(places):
            self._places.put(None)
        self._room = room
        self._is_silence = is_silence
        self._breaker = Breaker()
        self._changed = threading.Condition(threading.Lock())
        self._inside = 0
        self._moved_at = -inf

    def do(self, budget_s: float, work: Callable[[], T]) -> T:
        """Do `work` within the budget, the wait for its turn included; give what it gives.

        Raises `NotAsked`, or what `work` raises.
        """
        with Within(budget_s):
            self._enter()
            try:
                # Asked only now: a trial that finds no room would be none.
                if not self._breaker.lets_through():
                    raise NotAsked(f"{self._name} did not answer a moment ago")
                try:
                    self._places.get(timeout=max(seconds_left(), 0))
                except Empty:
                    raise NotAsked(f"too many wait for {self._name} already") from None
                try:
                    return self._watched(budget_s, work)
                finally:
                    self._places.put(None)
            finally:
                self._leave()

    def _watched(self, budget_s: float, work: Callable[[], T]) -> T:
        left = seconds_left()
        if left < LEAST_S:
            raise NotAsked(f"no time is left to ask {self._name}")
        try:
            done = work()
        except Exception as error:
            if not self._is_silence(error):
                self._breaker.succeeded()
            elif left >= budget_s / 2:
                self._breaker.failed()
            raise
        self._breaker.succeeded()
        return done

    def _enter(self) -> None:
        with self._changed:
            while self._inside >= self._room:
                patience = min(self._moved_at + MOVING_S - time.monotonic(), seconds_left())
                if patience <= 0:
                    raise NotAsked(f"too many wait for {self._name} already")
                self._changed.wait(patience)
            self._inside += 1
            self._moved_at = time.monotonic()

    def _leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._moved_at = time.monotonic()
            self._changed.notify()
