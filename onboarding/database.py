"""The connection to the shared database, and the one way to use it: `Database.run`.

Every piece of work is one statement, or statements that each stand alone, on an autocommit
connection: one statement is one transaction and one round trip, without BEGIN, COMMIT or ping.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")

# A request that finds no free connection soon is better told so than kept waiting.
POOL_WAIT_S = 2
CONNECT_TIMEOUT_S = 5

# Neon suspends an idle database after 5 minutes and drops its connections with it.
RECYCLE_S = 280

RETRY_AFTER_S = 2

# undefined_table, undefined_column, undefined_function (an operator between changed types),
# datatype_mismatch, invalid_schema_name, insufficient_privilege (PostgreSQL, appendix A)
_SCHEMA_DRIFT = {"42P01", "42703", "42883", "42804", "3F000", "42501"}

# read_only_sql_transaction after a failover, idle_in_transaction_session_timeout: this connection
# is no good any more, though it still answers.
_SPOILT = {"25006", "25P03"}


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
    """A pool of autocommit connections to one PostgreSQL database."""

    def __init__(self, url: URL, pool_size: int) -> None:
        self.engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=POOL_WAIT_S,
            pool_recycle=RECYCLE_S,
            # An error must never print a session token.
            hide_parameters=True,
            connect_args={
                # Prepared statements outlive a transaction; behind a transaction pooler the next
                # one lands on another backend (PgBouncer 1.18: 160 of 1,200 failed).
                "prepare_threshold": None,
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": "onboarding",
            },
        )

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work` with a connection and give what it gives.

        A connection that was dropped or spoilt while it lay in the pool is replaced and the work done
        once more, so `work` must be safe to repeat. Raises `Unavailable` when the database doesn't
        answer, `SchemaChanged` when a table or column is missing; constraint refusals
        (`IntegrityError`) pass through to the caller who knows what they mean.
        """
        try:
            try:
                return self._once(work)
            except DBAPIError as error:
                if not (error.connection_invalidated or _sqlstate(error) in _SPOILT):
                    raise
                return self._once(work)
        except PoolTimeout:
            raise Unavailable("no free connection") from None
        except ProgrammingError as error:
            if _sqlstate(error) not in _SCHEMA_DRIFT:
                raise
            raise SchemaChanged(_brief(error)) from None
        except (OperationalError, InternalError) as error:
            raise Unavailable(_brief(error)) from None

    def _once(self, work: Callable[[Connection], T]) -> T:
        with self.engine.connect() as connection:
            try:
                return work(connection)
            except InternalError as error:
                if _sqlstate(error) in _SPOILT:
                    connection.invalidate()
                raise


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _brief(error: DBAPIError) -> str:
    """The first line of what the driver said, with its SQLSTATE; it holds no values and no password."""
    first_line = str(error.orig).strip().partition("\n")[0]
    return f"{type(error.orig).__name__} {_sqlstate(error) or '-'}: {first_line}"
