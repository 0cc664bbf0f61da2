"""The shared database, and the ways to use it: `Database.rows`, `Database.run`, `Database.save`.

Every piece of work is one statement, or statements that each stand alone, on an autocommit
connection: one statement is one transaction and one round trip, without BEGIN, COMMIT or ping. So
all of it may be done again, and is, as long as its budget lasts.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import (
    URL,
    Connection,
    ExceptionContext,
    PoolProxiedConnection,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onboarding import driver
from onboarding.resilience import Bulkhead, NotAsked, Within, persistently

T = TypeVar("T")

log = logging.getLogger(__name__)

# Where there is no budget.
CONNECT_TIMEOUT_S = 5

# Neon suspends an idle database after 5 minutes and drops its connections with it.
RECYCLE_S = 280

RETRY_AFTER_S = 2

# What people wait at most: for a page, and for an answer to be saved.
READ_BUDGET_S, WRITE_BUDGET_S = 5, 8

# undefined_table, undefined_column, undefined_function (an operator between changed types),
# datatype_mismatch, invalid_schema_name, insufficient_privilege (PostgreSQL, appendix A)
_SCHEMA_DRIFT = {"42P01", "42703", "42883", "42804", "3F000", "42501"}

# invalid_sql_statement_name, duplicate_prepared_statement: prepared on one backend, used on another.
_MISPLACED = {"26000", "42P05"}

# read_only_sql_transaction after a failover, idle_in_transaction_session_timeout,
# feature_not_supported (0A000: a column that a prepared statement gives has another type now): this
# connection is no good any more, though it still answers.
_SPOILT = {"25006", "25P03", "0A000", *_MISPLACED}

# What passes by itself, soon: admin_shutdown, crash_shutdown, cannot_connect_now,
# idle_session_timeout; lock_not_available, serialization_failure, deadlock_detected;
# too_many_connections. Not query_canceled (57014): what was too slow once would only be so again.
_PASSING = {"57P01", "57P02", "57P03", "57P05", "55P03", "40001", "40P01", "53300", *_SPOILT}


class Unavailable(Exception):
    """What we depend on can't answer now; `retry_after_s` tells when it may be asked again.

    The same request may be sent again: every save is idempotent.
    """

    def __init__(self, reason: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s or RETRY_AFTER_S


class SchemaChanged(Unavailable):
    """The tables are not, or no longer, as they were found: a column or a right is missing."""


class Database:
    """A pool of autocommit connections to one PostgreSQL database, and the patience with it.

    `prepares`: `rows` prepares its statement on each connection, until a pooler shows that it can't
    keep one.

    `read_s` and `write_s` are budgets in seconds: what a read, and what a save, may take with all its
    attempts. An earlier deadline around it (`resilience.Within`) counts as well. At most `pool_size`
    pieces of work are under way at once, those that wait for their next attempt included, and `room`
    are inside, those that wait for their turn included (`resilience.Bulkhead`). With fewer than the
    server's threads, some stay free for the probes.
    """

    def __init__(
        self,
        url: URL,
        pool_size: int,
        read_s: float = READ_BUDGET_S,
        write_s: float = WRITE_BUDGET_S,
        *,
        prepares: bool = True,
        room: float = inf,
    ) -> None:
        self._read_s = read_s
        self._write_s = write_s
        self._prepares = prepares
        self._bulkhead = Bulkhead("the database", pool_size, room, _is_silence)
        # From how long a silence on it a connection counts as dead. What ends by a shorter deadline may
        # have been slow only. (An attempt has half of a budget, less what it spends before it asks.)
        self._death_s = min(1, 0.4 * min(read_s, write_s))
        # Connections made before this, on the clock of time.monotonic(), have died with another.
        self._last_death = 0.0
        self.engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            # There is a connection for each place.
            pool_timeout=1,
            # No ping before use (pool_pre_ping): a round trip for every request, to find a dropped
            # connection which the second attempt replaces anyway.
            pool_recycle=RECYCLE_S,
            # In autocommit there is nothing to roll back, and looking for it takes a tenth of a read.
            pool_reset_on_return=None,
            # An error must never print a session token.
            hide_parameters=True,
            connect_args={
                # None of SQLAlchemy's statements: they outlive a transaction, and behind a
                # transaction pooler the next one lands on another backend (PgBouncer 1.18: 160 of
                # 1,200 failed). `rows` asks for its own.
                "prepare_threshold": sys.maxsize,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": "onboarding",
            },
        )
        event.listen(self.engine, "do_connect", _connect)
        event.listen(self.engine, "handle_error", self._judge)

    def rows(self, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Give the rows of one SELECT in the driver's own SQL (`%(name)s`); raises as `run`.

        For the one read of every request: on the driver's cursor it takes a third of the time of
        SQLAlchemy's.
        """
        return self._persistently(self._read_s, partial(self._rows, sql, values))

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work`, which reads, with a connection, and give what it gives.

        While the database can't answer, all of it is done again until the budget is spent, so `work`
        must be safe to repeat. Raises `Unavailable` when the database didn't answer, `SchemaChanged`
        when a table or column is missing; constraint refusals (`IntegrityError`) pass through to the
        caller who knows what they mean.
        """
        return self._persistently(self._read_s, partial(self._do, work))

    def save(self, work: Callable[[Connection], T]) -> T:
        """Do `work`, which changes something and is safe to repeat; else as `run`."""
        return self._persistently(self._write_s, partial(self._do, work))

    def once(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one attempt, to tell how it is now; else as `run`."""
        with Within(self._read_s):
            try:
                return self._do(work)
            except Exception as error:
                meaning = _meaning(error)
                if meaning is None:
                    raise
                raise meaning from None

    def _persistently(self, budget_s: float, attempt: Callable[[], T]) -> T:
        # Half of it for one attempt: a connection that died without a word leaves time for another one.
        work = partial(persistently, partial(_attempted, attempt, budget_s / 2), _passes)
        try:
            return self._bulkhead.do(budget_s, work)
        except NotAsked as reason:
            raise Unavailable(str(reason)) from None
        except Exception as error:
            meaning = _meaning(error)
            if meaning is None:
                raise
            raise meaning from None

    def _rows(self, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        borrowed = self._borrow()
        connection = cast(driver.Connection, borrowed.driver_connection)
        try:
            return connection.cursor_kept.execute(sql, values, prepare=self._prepares).fetchall()
        except psycopg.Error as error:
            if error.sqlstate in _MISPLACED and self._prepares:
                log.warning("a pooler is in between that can't keep prepared statements: none then")
                self._prepares = False
            if error.sqlstate in _SPOILT:
                connection.close()
            if self._tells_death(error) and connection.closed:
                self._last_death = time.monotonic()
            raise
        finally:
            if connection.pgconn.transaction_status != TransactionStatus.IDLE:
                # Closed, broken, or left in the middle by whatever ended this thread's work.
                borrowed.invalidate()
            borrowed.close()

    def _tells_death(self, error: BaseException | None) -> bool:
        """Tell whether what ended one connection has most likely ended the others, too."""
        return not isinstance(error, driver.OutOfTime) or error.silent_s >= self._death_s

    def _judge(self, context: ExceptionContext) -> None:
        """SQLAlchemy throws all of its pool away with one connection that was closed; as `_rows`."""
        if not self._tells_death(context.original_exception):
            context.invalidate_pool_on_disconnect = False

    def _borrow(self) -> PoolProxiedConnection:
        """Borrow a connection without SQLAlchemy's own, which sees to this by itself.

        What ended one connection, a restart or a failover, has most likely ended those before it.
        """
        borrowed = self.engine.raw_connection()
        while cast(driver.Connection, borrowed.driver_connection).made_at < self._last_death:
            borrowed.invalidate()
            borrowed = self.engine.raw_connection()
        return borrowed

    def _do(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            try:
                return work(connection)
            except DBAPIError as error:
                if _sqlstate(error) in _SPOILT:
                    connection.invalidate()
                raise


def _attempted(attempt: Callable[[], T], seconds: float) -> T:
    with Within(seconds):
        return attempt()


def _connect(_dialect: Any, _record: Any, arguments: Any, settings: Any) -> driver.Connection:
    return driver.Connection.connect(*arguments, **settings)


def _origin(error: BaseException) -> BaseException | None:
    """The driver's own error, whether SQLAlchemy has wrapped it or not."""
    return error.orig if isinstance(error, DBAPIError) else error


def _sqlstate(error: BaseException) -> str | None:
    return getattr(_origin(error), "sqlstate", None)


def _passes(error: BaseException) -> bool:
    """Tell whether the same work may succeed soon: see the tables of SQLSTATEs above."""
    state = _sqlstate(error)
    if state is None:
        # No word of the server's at all: it is down, starting or full, or the connection broke.
        return isinstance(_origin(error), psycopg.OperationalError)
    # Class 08, connection_exception: a pooler's words, too, when it can't log in or has queued long.
    return state in _PASSING or state.startswith("08")


def _is_silence(error: BaseException) -> bool:
    """Tell whether nobody is there who answers. A refusal is an answer, whatever it refuses."""
    state = _sqlstate(error)
    if state is None:
        return isinstance(_origin(error), psycopg.OperationalError)
    # connection_exception; the server is going, coming or full.
    return state.startswith(("08", "57P0")) or state == "53300"


def _meaning(error: Exception) -> Unavailable | None:
    """Give what an error means to whoever asked for the work; None when only they can know."""
    if isinstance(error, PoolTimeout):
        return Unavailable("no free connection")
    origin = _origin(error)
    if isinstance(origin, psycopg.ProgrammingError) and _sqlstate(error) in _SCHEMA_DRIFT:
        return SchemaChanged(_brief(origin))
    if isinstance(origin, (psycopg.OperationalError, psycopg.InternalError)):
        return Unavailable(_brief(origin))
    return None


def _brief(error: psycopg.Error) -> str:
    """The first line of what the driver said, with its SQLSTATE; it holds no values and no password."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__} {error.sqlstate or '-'}: {first_line}"
