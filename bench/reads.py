"""What the one read of every request costs in process: `python -m bench.reads`.

PostgreSQL's own time is in every figure alike; compare them within one run.
"""

import time
from collections.abc import Callable
from statistics import median

from devstack import postgres
from onboarding.config import DatabaseSettings
from onboarding.database import Database

ROUNDS, READS = 7, 2000
# As wide as the real one: six columns of a person, five of a profile.
TABLE = """
CREATE TABLE person (token text PRIMARY KEY, id text, name text, email text, banned bool,
  anonymous bool, impersonated bool, proficiency text, role text, onboarded bool,
  created timestamp, updated timestamp);
INSERT INTO person SELECT 't' || n, 'u' || n, 'Ada Lovelace', 'ada@example.test', false, false,
  null, 'Beginner', 'None', true, now(), now() FROM generate_series(1, 1000) n
"""
SELECT = (
    "SELECT id, name, email, banned, anonymous, impersonated, proficiency, role, onboarded,"
    " created, updated FROM person WHERE token = %(token)s::text"
)
VALUES = {"token": "t500"}


def main() -> None:
    """Measure, and print microseconds a read: the median of the rounds."""
    with postgres.temporary() as server:
        url = server.create_database("reads")
        database = Database(DatabaseSettings.from_environ({"DATABASE_URL": url}).url, 5)
        database.run(lambda connection: connection.exec_driver_sql(TABLE))
        unprepared = Database(database.engine.url, 5, prepares=False)
        engine = database.engine

        def core() -> None:
            database.run(lambda one: one.exec_driver_sql(SELECT, VALUES).one_or_none())

        def bare_core() -> None:
            with engine.connect() as one:
                one.exec_driver_sql(SELECT, VALUES).one_or_none()

        def new_cursor() -> None:
            borrowed = engine.raw_connection()
            cursor = borrowed.cursor()
            cursor.execute(SELECT, VALUES)
            cursor.fetchall()
            borrowed.close()

        kept = engine.raw_connection()
        kept_cursor = kept.cursor()

        def driver_alone() -> None:
            kept_cursor.execute(SELECT, VALUES)
            kept_cursor.fetchall()

        ways: dict[str, Callable[[], object]] = {
            "Database.run (SQLAlchemy)": core,
            "engine.connect, unbounded": bare_core,
            "Database.rows": lambda: database.rows(SELECT, VALUES),
            "Database.rows, unprepared": lambda: unprepared.rows(SELECT, VALUES),
            "pool and a new cursor, unbounded": new_cursor,
            "the driver alone, one cursor": driver_alone,
        }
        for name, figure in compared(ways).items():
            print(f"{name:36}{figure[0]:6.0f} µs{figure[1]:6.0f} µs CPU")
        kept.close()
        unprepared.engine.dispose()
        engine.dispose()


def compared(ways: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Give elapsed and processor time of one call in microseconds, the ways taking turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(READS):
                way()
            taken[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return {
        name: (
            median(one[0] for one in figures) / READS * 1e6,
            median(one[1] for one in figures) / READS * 1e6,
        )
        for name, figures in taken.items()
    }


if __name__ == "__main__":
    main()
