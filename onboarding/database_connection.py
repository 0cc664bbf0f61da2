"""A connection to PostgreSQL that keeps the deadline (`onboarding.deadline`)."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from math import inf
from typing import Any, TypeVar

import psycopg
from psycopg import capabilities, errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from onboarding.deadline import seconds_left

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5
CANCEL_TIMEOUT_S = 0.25
NO_ANSWER = "no answer in time"

# A pooler moved us to another backend.
LOST_STATEMENT = (errors.InvalidSqlStatementName, errors.DuplicatePreparedStatement)
# The connection answers, but only a new one can do the work: after a failover the server is read-only,
# or a column of a prepared statement has another type now.
UNUSABLE = (
    errors.ReadOnlySqlTransaction,
    errors.IdleInTransactionSessionTimeout,
    errors.FeatureNotSupported,
    *LOST_STATEMENT,
)


class DeadlineConnection(psycopg.Connection[TupleRow]):
    """An autocommit connection on which no wait outlasts the deadline (`onboarding.deadline`).

    Once it is of no more use, it is closed.
    """

    silent_s = inf
    """How long it was silent before it was given up; infinity if it broke."""

    @cached_property
    def kept_cursor(self) -> psycopg.Cursor[TupleRow]:
        """A cursor for all calls of `Database.rows`: a new one takes a fifth of a read's CPU."""
        return self.cursor()

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait as psycopg does; raise `TimeoutError` at the deadline."""
        left = seconds_left()
        try:
            return super().wait(gen, interval, timeout if left == inf else max(left, 0))
        except BaseException as error:
            is_silent = isinstance(error, psycopg.OperationalError) and not error.sqlstate
            if is_silent and seconds_left() <= 0:
                self._give_up()
                self.silent_s = left
                raise TimeoutError(NO_ANSWER) from None
            is_idle = self.info.transaction_status == TransactionStatus.IDLE
            if not is_idle or isinstance(error, UNUSABLE):
                self.close()
            raise

    def _give_up(self) -> None:
        # A statement that waits for a lock would go on waiting in the server. Without libpq 17 a
        # cancellation takes as long as the network likes.
        if capabilities.has_cancel_safe():
            with suppress(psycopg.Error):
                self.cancel_safe(timeout=CANCEL_TIMEOUT_S)
        self.close()


def connect(*args: Any, **params: Any) -> DeadlineConnection:
    """Return a connection, or raise `TimeoutError` at the deadline.

    In a thread that is left behind then, since psycopg (3.3) resolves names without a limit, and tries
    one address after the other for `connect_timeout` seconds each: whole ones, 2 at least.
    """
    left = seconds_left()
    params["connect_timeout"] = max(int(min(left, CONNECT_TIMEOUT_S)), 2)
    threads = ThreadPoolExecutor(1)
    connecting = threads.submit(DeadlineConnection.connect, *args, **params, autocommit=True)
    threads.shutdown(wait=False)
    try:
        return connecting.result(None if left == inf else max(left, 0))
    except TimeoutError:
        connecting.add_done_callback(_close)
        raise TimeoutError(NO_ANSWER) from None


def _close(connecting: Future[DeadlineConnection]) -> None:
    if connecting.exception() is None:
        connecting.result().close()


def keeps_prepared_statements(connection: DeadlineConnection) -> bool:
    """Return whether every statement reaches a backend where it is prepared.

    A pooler in between gives its clients process ids of its own making (PgBouncer 1.18, measured). Neon's
    tracks prepared statements, if libpq (from 17 on) can close them by the protocol.
    """
    if connection.info.host.endswith(".neon.tech"):
        return capabilities.has_send_close_prepared()
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row == (connection.info.backend_pid,)
