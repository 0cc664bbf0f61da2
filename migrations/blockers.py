"""Who blocks a migration, seen from a second connection while the first one waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

INTERVAL_S = 0.2

# Never what they run, which may hold a secret. The start of their transaction is NULL for a role that
# may not know it: one that is neither theirs nor a member of pg_read_all_stats.
_BLOCKERS = text("""
    SELECT pid, usename, application_name,
           to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(:pid)) ORDER BY pid
""")


@contextmanager
def blockers_of(engine: Engine, pid: int) -> Iterator[list[str]]:
    """Watch the backend `pid` until the end of the block.

    The list describes whom that backend waited for last; it is empty if it didn't wait, or if no second
    connection was available.
    """
    blockers: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        # It only improves a message.
        with suppress(DBAPIError), engine.connect() as connection:
            watching = connection.execution_options(isolation_level="AUTOCOMMIT")
            while not ended.wait(INTERVAL_S):
                rows = watching.execute(_BLOCKERS, {"pid": pid}).all()
                if rows:
                    blockers[:] = [_description(*row) for row in rows]

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield blockers
    finally:
        ended.set()
        watcher.join()


def _description(pid: int, role: str | None, application: str, since: str | None) -> str:
    known = [
        f'"{application}"' if application else "",
        f"role {role}" if role else "",
        f"in a transaction since {since} UTC" if since else "",
    ]
    details = ", ".join(filter(None, known))
    return f"process {pid} ({details})" if details else f"process {pid}"
