"""psycopg's connection, held to the deadline around it.

A frozen server or pooler, a cut cable, a lock that nobody gives back: nothing else ends such a wait.
`statement_timeout` runs in the server, `connect_timeout` ends with the connecting, and a pooler may
keep a statement queued for minutes (Neon's: two).
"""

import time
from collections.abc import Generator
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from math import inf
from typing import Any, Self, TypeVar

import psycopg
from psycopg import capabilities
from psycopg._preparing import Prepare, PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.abc import PQGen, PQGenConn
from psycopg.rows import TupleRow

from onboarding.resilience import seconds_left

T = TypeVar("T")

# How often psycopg looks up from a wait by itself, for Ctrl+C.
_LOOK_UP_S = 0.1
# The only thing that is done after a deadline.
CANCEL_S = 0.25


class OutOfTime(psycopg.OperationalError):
    """The deadline passed while the server was silent."""

    WORDS = "no answer in time"
    silent_s = 0.0
    """How long a connection that was open already had been silent then."""


class _NamedByContent(PrepareManager):
    """Names a prepared statement after what it says, instead of by a number.

    A transaction pooler that doesn't know prepared statements lands on backends where others of its
    clients prepared theirs. So named, that can only fail: nobody gets another statement's rows.
    """

    def get(self, query: PostgresQuery, prepare: bool | None = None) -> tuple[Prepare, bytes]:
        verdict, name = super().get(query, prepare)
        if verdict is Prepare.SHOULD:
            name = b"onboarding_" + sha256(query.query).hexdigest()[:32].encode()
        return verdict, name


class Connection(psycopg.Connection[TupleRow]):
    """A connection none of whose waits outlasts the deadline (`resilience.Within`) around it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_at = time.monotonic()
        self._prepared = _NamedByContent()

    @cached_property
    def cursor_kept(self) -> psycopg.Cursor[TupleRow]:
        """One cursor for all reads: to make one takes as long as half a read."""
        return self.cursor()

    def wait(self, gen: PQGen[T], interval: float = _LOOK_UP_S, timeout: float | None = None) -> T:
        """Wait as psycopg does (3.3.9); raises `OutOfTime` after the deadline, and is closed then."""
        left = seconds_left()
        if left == inf:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, max(left, 0))
        except psycopg.OperationalError as error:
            if error.sqlstate or seconds_left() > 0:
                raise
            self._abandon()
            silence = OutOfTime(OutOfTime.WORDS)
            silence.silent_s = left
            raise silence from None

    def _abandon(self) -> None:
        """Close, since an answer may still come; and tell the server that nobody waits for it.

        Else a save that waits for a lock would go on waiting in the server, before others. Should it
        go through after all: it is one statement, and the same save sent again finds its work done.
        """
        # Without libpq 17 a cancellation blocks for as long as the network likes.
        if capabilities.has_cancel_safe():
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_S)
        self.close()

    @classmethod
    def _connect_gen(cls, *args: Any, **kwargs: Any) -> PQGenConn[Self]:
        """Connect as psycopg does (3.3.9), over all addresses of a host no longer than the deadline.

        libpq's `connect_timeout` is in whole seconds, two at least, and for each address anew.
        """
        steps: Generator[Any, Any, Self] = super()._connect_gen(*args, **kwargs)
        ready: Any = None
        while True:
            if seconds_left() <= 0:
                raise OutOfTime(OutOfTime.WORDS)
            try:
                step = steps.send(ready)
            except StopIteration as done:
                connected: Self = done.value
                return connected
            ready = yield step
