"""The way to PostgreSQL: `Database.read` and `Database.write`.

Work is one statement, or several that don't depend on each other, on an autocommit connection. One
statement is one transaction and one round trip, and all of it can be repeated.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from sqlalchemy import URL, Connection, ExceptionContext, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidatePoolError

from onboarding.database_connection import (
    LOST_STATEMENT,
    UNUSABLE,
    DeadlineConnection,
    connect,
    keeps_prepared_statements,
)
from onboarding.deadline import WaitingLimit, seconds_left, time_limit

T = TypeVar("T")

log = logging.getLogger(__name__)

READ_BUDGET_S, WRITE_BUDGET_S = 5, 8
RETRY_AFTER_S = 2

# Below this an answer would come too late, and the connection would have to be closed.
SHORTEST_ATTEMPT_S = 0.1
# After the second attempt, which comes at once: most often a pooled connection had been dropped, and a
# new one is all that is needed. The jitter keeps those who failed together from retrying together.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.4
# Neon suspends a database after 5 idle minutes and drops its connections.
RECYCLE_S = 280
# psycopg prepares a statement after this many executions on a connection (its own default).
PREPARE_THRESHOLD = 5

_SCHEMA_ERRORS = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,  # an operator between changed types
    errors.DatatypeMismatch,
    errors.InvalidSchemaName,
    errors.InsufficientPrivilege,
)

# These pass by themselves. Not QueryCanceled: what was too slow once would be again.
_PASSING_ERRORS = (
    TimeoutError,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleSessionTimeout,
    errors.LockNotAvailable,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.TooManyConnections,
    *UNUSABLE,
)


class Unavailable(Exception):
    """Something this app depends on can't answer now. The request may be repeated later."""

    def __init__(self, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s or RETRY_AFTER_S


class SchemaMismatch(Unavailable):
    """A table, a column or a right is missing, or a type is another than expected."""


class Database:
    """A pool of autocommit connections to one PostgreSQL database.

    `read_budget_s` and `write_budget_s` bound a read and a write with all their attempts; an earlier
    deadline counts as well. At most `pool_size` run at once; `max_waiting` is the limit of
    `WaitingLimit`.

    `prepare` says whether psycopg prepares the statements that it runs often. It numbers them, and a
    transaction pooler that doesn't track them may run another client's statement of the same number:
    behind PgBouncer 1.18 that gave wrong rows to 49 of 1,200 reads. So "auto" prepares only if no pooler
    is in between, or Neon's, which tracks them; "off" never prepares.
    """

    def __init__(
        self,
        url: URL,
        pool_size: int,
        *,
        read_budget_s: float = READ_BUDGET_S,
        write_budget_s: float = WRITE_BUDGET_S,
        prepare: str = "auto",
        max_waiting: float = inf,
    ) -> None:
        self._read_budget_s = read_budget_s
        self._write_budget_s = write_budget_s
        self._limit = WaitingLimit("the database", max_waiting)
        self._slots = threading.Semaphore(pool_size)
        # None until the first connection has shown what is in between.
        self._prepares: bool | None = None if prepare == "auto" else False
        # A shorter silence before a deadline may be a slow answer. (An attempt has half a budget.)
        self._failure_silence_s = min(1, 0.4 * min(read_budget_s, write_budget_s))
        self.engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_size=pool_size,
            max_overflow=0,
            # No pool_pre_ping: it costs a round trip a request, and a retry replaces what was dropped.
            pool_recycle=RECYCLE_S,
            pool_reset_on_return=None,
            # So that the next one that is taken is the one that was closed, if any.
            pool_use_lifo=True,
            # An error must never print a session token.
            hide_parameters=True,
            use_native_hstore=False,
            connect_args={"application_name": "onboarding"},
        )
        event.listen(self.engine, "do_connect", self._connect)
        event.listen(self.engine, "handle_error", _leave_to_checkout)
        event.listen(self.engine, "checkout", self._replace_closed)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns for a connection; repeat all of it while that may help.

        Raise `Unavailable` if the database doesn't answer within the budget, `SchemaMismatch` if a
        table or column is missing. Refusals (`IntegrityError`, `DataError`) reach the caller.
        """
        return self._run(partial(self._work, work), self._read_budget_s)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do the same as `read` with the budget of a write; `work` must be safe to repeat."""
        return self._run(partial(self._work, work), self._write_budget_s)

    def once(self, work: Callable[[Connection], T]) -> T:
        """Do the same as `read` in a single attempt."""
        return self._run(partial(self._work, work), self._read_budget_s, repeat=False)

    def rows(self, sql: str, params: Mapping[str, object]) -> list[TupleRow]:
        """Return the rows of a SELECT in the driver's SQL (`%(name)s`); raise as `read`.

        For the one SELECT of every request: on the driver's connection it takes half the CPU of `read`.
        """
        return self._run(partial(self._rows, sql, params), self._read_budget_s)

    def _run(self, attempt: Callable[[], T], budget_s: float, *, repeat: bool = True) -> T:
        try:
            return self._limit.run(budget_s, partial(self._with_slot, attempt, budget_s, repeat))
        except Exception as error:
            meaning = _as_unavailable(error)
            if meaning is None:
                raise
            raise meaning from None

    def _with_slot(self, attempt: Callable[[], T], budget_s: float, repeat: bool) -> T:
        # Not by the pool's timeout, which is the same for all and knows no deadline.
        if not self._slots.acquire(timeout=max(seconds_left(), 0)):
            raise TimeoutError("too many wait for the database")
        try:
            if seconds_left() < SHORTEST_ATTEMPT_S:
                raise TimeoutError("no time is left to ask the database")
            return self._repeat(attempt, budget_s) if repeat else attempt()
        finally:
            self._slots.release()

    def _repeat(self, attempt: Callable[[], T], budget_s: float) -> T:
        """Return what `attempt` returns; repeat it after errors that may pass, until the deadline."""
        pause_s = 0.0
        while True:
            try:
                # Half of the budget, so that a silent connection leaves time for another.
                with time_limit(budget_s / 2):
                    return attempt()
            except Exception as error:
                if isinstance(_origin(error), LOST_STATEMENT) and self._prepares:
                    log.warning("a pooler loses prepared statements: no more are prepared")
                    self._prepares = False
                if seconds_left() - pause_s < SHORTEST_ATTEMPT_S or not _is_transient(error):
                    raise
            time.sleep(random.uniform(0, pause_s))  # noqa: S311
            pause_s = min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)

    def _work(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            return work(connection)

    def _rows(self, sql: str, params: Mapping[str, object]) -> list[TupleRow]:
        with closing(self.engine.raw_connection()) as pooled:
            connection = cast(DeadlineConnection, pooled.driver_connection)
            return connection.kept_cursor.execute(sql, params).fetchall()

    def _connect(self, _dialect: Any, _record: Any, args: Any, params: Any) -> DeadlineConnection:
        connection = connect(*args, **params)
        if self._prepares is None:
            self._prepares = keeps_prepared_statements(connection)
        connection.prepare_threshold = PREPARE_THRESHOLD if self._prepares else None
        return connection

    def _replace_closed(self, connection: DeadlineConnection, _record: Any, _proxy: Any) -> None:
        if not connection.closed:
            return
        if connection.silent_s < self._failure_silence_s:
            raise DisconnectionError
        # What ends a connection, a restart or a failover, most likely ends all that were made before.
        raise InvalidatePoolError


def _leave_to_checkout(context: ExceptionContext) -> None:
    # SQLAlchemy would drop the whole pool after most errors, and after a TimeoutError nothing else.
    context.is_disconnect = False


def _origin(error: BaseException) -> BaseException | None:
    """Return the driver's own error, whether SQLAlchemy has wrapped it or not."""
    return error.orig if isinstance(error, DBAPIError) else error


def _is_transient(error: Exception) -> bool:
    """Return whether the same work may succeed later."""
    origin = _origin(error)
    if isinstance(origin, _PASSING_ERRORS):
        return True
    # Without a state the server said nothing: it is down or starting, or the connection broke. Class
    # 08, connection_exception: also a pooler that can't log in or has queued for too long.
    state = getattr(origin, "sqlstate", None) or "08"
    return isinstance(origin, psycopg.OperationalError) and state.startswith("08")


def _as_unavailable(error: Exception) -> Unavailable | None:
    """Return what an error means to the caller; None if only the caller knows."""
    if isinstance(error, TimeoutError):
        return Unavailable(str(error))
    origin = _origin(error)
    if not isinstance(origin, psycopg.Error):
        return None
    reason = f"{type(origin).__name__} {origin.sqlstate or '-'}: {first_line(origin)}"
    if isinstance(origin, _SCHEMA_ERRORS):
        return SchemaMismatch(reason)
    if isinstance(origin, (psycopg.OperationalError, psycopg.InternalError)):
        return Unavailable(reason)
    return None


def first_line(error: BaseException) -> str:
    """Return the first line of a database error, which holds no values and no password."""
    return str(_origin(error)).strip().partition("\n")[0]


def hosts(url: URL) -> list[str]:
    """Return the hosts that a database URL names, in lower case."""
    given = url.host or url.query.get("host", ())
    names = [given] if isinstance(given, str) else given
    return [host.lower() for several in names for host in several.split(",")]


def is_transaction_pooler(url: URL) -> bool:
    """Return whether an address is one that a provider gives for a pooler in transaction mode.

    Neon's has -pooler in its name (neon.com/docs/connect/connection-pooling); Supabase's pooler
    listens on 6543 for transactions and on 5432 for sessions (supabase.com/docs/guides/database).
    """
    return any(
        "-pooler." in host or (".pooler." in host and url.port == 6543) for host in hosts(url)
    )
