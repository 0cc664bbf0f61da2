"""`python -m bench.start`: from the command to the first page, and the memory of a worker."""

import time
from statistics import median

from bench import load, report, usage
from bench.environment import ONBOARDED, Environment, open_environment
from bench.report import spread
from bench.servers import start_app


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    with open_environment() as environment:
        url = environment.create_database("start")
        environment.add_users(url, ONBOARDED, 100)
        started_ms = []
        for _ in range(2 if quick else 9):
            began = time.perf_counter()
            app = start_app(environment, url)
            with app.child:
                load.fetch_all(
                    app.port, environment.requests(app.port, "/profile", ONBOARDED, 1), 200
                )
                started_ms.append((time.perf_counter() - began) * 1000)
        alone, four = (_pss_mib(environment, url, workers) for workers in (1, 4))
    return [
        report.machine("flask", "gunicorn", "sqlalchemy", "psycopg"),
        f"From the command to the first page {spread(started_ms)} ms, {len(started_ms)} times.",
        *report.goals_table(
            [
                ("start to the first page, s", 0.5, median(started_ms) / 1000),
                ("PSS of a worker alone, MiB", 45, alone),
                ("PSS of each of four, MiB", 25, four),
            ]
        ),
    ]


def _pss_mib(environment: Environment, url: str, workers: int) -> float:
    app = start_app(environment, url, workers=workers)
    with app.child:
        requests = environment.requests(app.port, "/profile", ONBOARDED, 100)
        load.saturate(app.port, requests, 200, seconds=2, connections=2 * load.CONNECTIONS)
        return median(usage.pss_mib(pid) for pid in usage.workers(app.child.pid))


if __name__ == "__main__":
    report.run("start", measure)
