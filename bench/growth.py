"""`python -m bench.growth`: the same users' page, as the main site grows around them."""

import re
from contextlib import ExitStack
from statistics import median

import psycopg
from psycopg import sql

from bench import report
from bench.environment import ONBOARDED, open_environment
from bench.report import median_ratio, spread
from bench.servers import start_app
from bench.targets import Target, measure_in_turn

SIZES, QUICK_SIZES = (1_000, 100_000, 5_000_000), (1_000, 100_000)
HEAD = "requests/s, CPU µs, PostgreSQL's CPU µs, both : the smallest's, p99 ms, the SELECT's scans"


def measure(quick: bool) -> list[str]:
    """Return the document's lines."""
    rounds, seconds = (1, 0.5) if quick else (5, 2.0)
    targets, plans = [], []
    with open_environment() as environment, ExitStack() as running:
        for size in QUICK_SIZES if quick else SIZES:
            url = environment.create_database(f"of_{size}")
            environment.add_users(url, ONBOARDED, size)
            environment.execute(url, "VACUUM (ANALYZE)")
            app = start_app(environment, url)
            running.enter_context(app.child)
            requests = environment.requests(app.port, "/profile", ONBOARDED)
            targets.append(Target(f"{size:,} users", app, requests))
            targets[-1].saturate(0.2)
            plans.append(_plan(url, environment.token(ONBOARDED, 1)))
        measure_in_turn(targets, environment, rounds, seconds)
    cpu_us = [
        [sum(pair) for pair in zip(target.cpu_us, target.postgres_us, strict=True)]
        for target in targets
    ]
    rows = [
        [
            target.name,
            spread(target.per_second),
            spread(target.cpu_us),
            spread(target.postgres_us),
            f"{median_ratio(both, cpu_us[0]):.2f}",
            f"{median(target.p99_ms):.1f}",
            plan,
        ]
        for target, both, plan in zip(targets, cpu_us, plans, strict=True)
    ]
    name = f"{targets[-1].name} : {targets[0].name}"
    return [
        report.machine("sqlalchemy", "psycopg", more=f"{rounds} rounds of {seconds:g} s"),
        *report.table(["", *HEAD.split(", ")], rows),
        *report.goals_table(
            [
                (f"CPU of app and PostgreSQL, {name}", 1.1, median_ratio(cpu_us[-1], cpu_us[0])),
                ("different plans", 1, len(set(plans))),
            ]
        ),
    ]


def _plan(url: str, token: str) -> str:
    """Return the scans of the SELECT that the app sent last, for instance `3 × Index Scan`."""
    with psycopg.connect(url, autocommit=True) as connection:
        (statement,) = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query ~ '^SELECT.*\\$1' ORDER BY state_change DESC LIMIT 1"
        ).fetchone() or ("",)
        connection.execute(sql.SQL("PREPARE page AS {}").format(sql.SQL(statement)))
        explain = sql.SQL("EXPLAIN EXECUTE page({})").format(sql.Literal(token))
        plan = "\n".join(line for (line,) in connection.execute(explain))
    scans = re.findall(r"((?:\w+ )*Scan)", plan)
    return ", ".join(f"{scans.count(scan)} × {scan}" for scan in sorted(set(scans)))


if __name__ == "__main__":
    report.run("growth", measure)
