"""Who holds up a migration, seen from a second connection while the first one waits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

EVERY_S = 0.2

# Never what they run, which may hold a secret. The start of their transaction is NULL for a role
# that may not know it: one that is neither theirs nor a member of pg_read_all_stats.
_BLOCKERS = text("""
    SELECT pid, usename, application_name,
           to_char(xact_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(:pid)) ORDER BY pid
""")


@contextmanager
def watched(engine: Engine, pid: int) -> Iterator[list[str]]:
    """Watch the backend `pid` until the end of the block.

    The list that it gives holds whom that backend waited for last, a few words each; it is empty
    when it didn't wait, or when no second connection could be had.
    """
    seen: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        # It only makes a message better.
        with suppress(DBAPIError), engine.connect() as connection:
            look = connection.execution_options(isolation_level="AUTOCOMMIT")
            while not ended.wait(EVERY_S):
                if found := [_words(*row) for row in look.execute(_BLOCKERS, {"pid": pid})]:
                    seen[:] = found

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _words(pid: int, role: str | None, application: str, since: str | None) -> str:
    known = [
        f'"{application}"' if application else "",
        f"role {role}" if role else "",
        f"in a transaction since {since} UTC" if since else "",
    ]
    details = ", ".join(filter(None, known))
    return f"process {pid} ({details})" if details else f"process {pid}"
