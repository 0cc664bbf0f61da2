"""`python -m bench.growth`: the same people's page, as the main site grows around them.

A database for each size, all at once on one server, and an app before each: so the sizes are measured
turn about, as the servers of `bench.pages` are.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import document, load, usage
from bench import scene as scenes
from bench.asked import Asked
from bench.figures import median, ratio, spread
from bench.goals import Goal, goals_table
from bench.scene import ONBOARDED, Scene
from bench.served import our_app
from bench.usage import OTHERS_CORE, cores

ROUNDS, SECONDS = 5, 2.0
SMALL, LARGE, HUGE = 1_000, 100_000, 5_000_000
WORKERS = (1, 2, 4)
# Better-Auth deletes a session when its owner comes back after it; whoever doesn't leaves it there.
EXPIRED = "-1 day"


@dataclass(frozen=True)
class Size:
    """A main site: so many people with a live session each, and so many expired sessions."""

    people: int
    expired: int = 0

    def __str__(self) -> str:
        more = f", {self.expired:,} expired sessions" if self.expired else ""
        return f"{self.people:,} people{more}"


@dataclass(kw_only=True)
class Measured(Asked):
    """The app before a main site of a size."""

    url: str
    plan: str = ""


def main() -> None:
    """Measure, print, and write the document unless it was a quick try."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth")
    parser.add_argument("--quick", action="store_true", help="without the millions; writes nothing")
    quick = parser.parse_args().quick
    rounds, seconds = (1, 0.5) if quick else (ROUNDS, SECONDS)
    sizes = [Size(SMALL), Size(LARGE)]
    sizes += [Size(SMALL, LARGE)] if quick else [Size(LARGE, HUGE), Size(HUGE)]
    with (
        tempfile.TemporaryDirectory() as folder,
        scenes.opened(Path(folder)) as scene,
        ExitStack() as running,
    ):
        measured = [_settled(scene, size, running) for size in sizes]
        with usage.on_core(OTHERS_CORE):
            for one in measured:
                one.warm_up(seconds)
            for _ in range(rounds):
                for one in measured:
                    one.measure(scene, seconds)
            for one in measured:
                one.plan = _plan(one.url, scene.token(ONBOARDED, 1))
        running.close()
        by_workers = _by_workers(scene, measured[1].url, seconds)
        lines = _lines(measured, by_workers, rounds, seconds)
    print("\n".join(lines))
    if not quick:
        document.write("growth", lines)


def _settled(scene: Scene, size: Size, running: ExitStack) -> Measured:
    print(f"making {size}")
    url = scene.create_database(f"of_{size.people}_{size.expired}")
    scene.people(url, ONBOARDED, size.people)
    for run in range(1, size.expired // size.people + 1):
        scene.sessions(url, ONBOARDED, size.people, run, EXPIRED)
    scene.settle(url)
    served = our_app(scene, url)
    running.enter_context(served.child)
    return Measured(str(size), served, scene.asks(served.port, "/profile"), url=url)


def _plan(url: str, token: str) -> str:
    """How PostgreSQL runs the statement that the app sent last: its scans, and the pages it reads.

    Raises ValueError for any scan that isn't by index.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        (asked,) = connection.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND query ~ '^SELECT.*\\$1' ORDER BY state_change DESC LIMIT 1"
        ).fetchone() or ("",)
        connection.execute(sql.SQL("PREPARE look AS {}").format(sql.SQL(asked)))
        explain = sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE look({})")
        ((told,),) = connection.execute(explain.format(sql.Literal(token))).fetchall()
    plan = told[0]["Plan"]
    scans = [node["Node Type"] for node in _nodes(plan) if "Scan" in node["Node Type"]]
    if not scans or any(not scan.startswith("Index") for scan in scans):
        raise ValueError(f"not by index alone: {json.dumps(told)}")
    pages = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return f"{len(scans)} by index, {pages} pages"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


def _by_workers(scene: Scene, url: str, seconds: float) -> list[list[str]]:
    """Measure several workers on all cores, which they share with the client and PostgreSQL."""
    rows = []
    for workers in WORKERS:
        app = scenes.app(scene, url, workers)
        with usage.on_every_core(), app.start(scene.logs / f"workers-{workers}.log") as child:
            asked, connections = scene.asks(app.port, "/profile"), workers * load.CONNECTIONS
            load.saturate(app.port, asked, 200, seconds=seconds, connections=connections)
            used = usage.cpu_s(child.pid)
            burst = load.saturate(app.port, asked, 200, seconds=seconds, connections=connections)
            cpu_us = (usage.cpu_s(child.pid) - used) / len(burst.latencies_s) * 1_000_000
        rows.append(
            [
                f"{workers}",
                f"{burst.per_second:,.0f}",
                f"{cpu_us:,.0f}",
                f"{burst.percentile_ms(50):.1f}",
                f"{burst.percentile_ms(99):.1f}",
            ]
        )
    return rows


def _lines(
    measured: list[Measured], by_workers: list[list[str]], rounds: int, seconds: float
) -> list[str]:
    smallest, largest = measured[0], measured[-1]
    head = (
        *("", "requests/s", "CPU µs", "× the smallest's CPU", "PostgreSQL's CPU µs"),
        *("p50 ms", "p99 ms", "the statement's plan"),
    )
    rows = [
        [
            one.name,
            spread(one.per_second),
            spread(one.cpu_us),
            f"{ratio(one.cpu_us, smallest.cpu_us):.2f}",
            spread(one.postgres_us),
            f"{median(one.p50_ms):.1f}",
            f"{median(one.p99_ms):.1f}",
            one.plan,
        ]
        for one in measured
    ]

    def both(one: Measured) -> list[float]:
        return [ours + theirs for ours, theirs in zip(one.cpu_us, one.postgres_us, strict=True)]

    growth = f"{smallest.name} → {largest.name}"
    return [
        document.machine("sqlalchemy", "psycopg", more=f"{rounds} rounds of {seconds:g} s"),
        "",
        *document.table(head, rows),
        "",
        f"Workers, on all {cores()} cores, beside the client; one is PostgreSQL's too; {LARGE:,} people:",
        "",
        *document.table(("workers", "requests/s", "CPU µs", "p50 ms", "p99 ms"), by_workers),
        "",
        *goals_table(
            [
                Goal(
                    f"{growth}, CPU of app and PostgreSQL",
                    1.25,
                    1.1,
                    ratio(both(largest), both(smallest)),
                )
            ]
        ),
    ]


if __name__ == "__main__":
    main()
