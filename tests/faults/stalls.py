"""`python -m tests.faults.stalls [--pooler]`: the database falls silent, at every stage, while more
requests come than a worker has threads.

Every request has to be answered within its budget and half a second, and `/healthz` within 0.1 s all
the while: an orchestrator that gets no answer kills a process that only waits.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import psycopg

from tests.faults.client import Answer, ask, finish
from tests.faults.proxy import Rule, cut_all, let_pass, stall_all, stall_on
from tests.faults.stand import OURS, Stand, options, raised
from tests.faults.storm import ALL_ANSWERS

# Short, so that a test is; the rest of the settings are the defaults.
READ_BUDGET_S, WRITE_BUDGET_S = 1, 2
SETTINGS = {
    "READ_BUDGET_SECONDS": str(READ_BUDGET_S),
    "WRITE_BUDGET_SECONDS": str(WRITE_BUDGET_S),
}
# What may come on top: the server is told that nobody waits any more, and the answer is made.
GRACE_S = 0.5
ALIVE_WITHIN_S = 0.1
RECOVERED_WITHIN_S = 1
WAITING = 40
# Whoever waits longer than this waits for good, as far as people go.
PATIENCE_S = 10


def in_time(slack_s: float, *limits: tuple[float, float]) -> bool:
    """Tell whether nothing took longer than it may; the slack is a busy machine's."""
    return all(took_s <= most_s + slack_s for took_s, most_s in limits)


@dataclass(frozen=True)
class Stall:
    """What one stall did: the slowest reads, saves and probes in seconds, and what came late or not."""

    stage: str
    reads_s: float
    saves_s: float
    probes_s: float
    unanswered: int
    recovered: bool

    def is_right(self, slack_s: float = 0) -> bool:
        """Tell whether everybody was answered in time, and all was well afterwards."""
        on_time = in_time(
            slack_s,
            (self.reads_s, READ_BUDGET_S + GRACE_S),
            (self.saves_s, WRITE_BUDGET_S + GRACE_S),
            (self.probes_s, ALIVE_WITHIN_S),
        )
        return on_time and not self.unanswered and self.recovered

    def __str__(self) -> str:
        return (
            f"{self.stage}: reads {self.reads_s:.2f} s, saves {self.saves_s:.2f} s, "
            f"/healthz {self.probes_s * 1000:.0f} ms, unanswered {self.unanswered}"
            f"{'' if self.recovered else ', not recovered'}"
        )


@contextmanager
def _network(stand: Stand, *rules: Rule) -> Iterator[None]:
    for rule in rules:
        stand.proxy.follow(rule)
        time.sleep(0.05)
    try:
        yield
    finally:
        stand.proxy.follow(let_pass)


@contextmanager
def _frozen_pooler(stand: Stand) -> Iterator[None]:
    assert stand.pooler
    stand.pooler.freeze()
    try:
        yield
    finally:
        stand.pooler.thaw()


@contextmanager
def _lock(stand: Stand, database: str) -> Iterator[None]:
    with psycopg.connect(stand.way("direct", database)) as connection:
        # Reads go on.
        connection.execute("LOCK TABLE user_profile IN SHARE ROW EXCLUSIVE MODE")
        yield


Stage = Callable[[], AbstractContextManager[None]]


def stages(stand: Stand, database: str = OURS) -> dict[str, tuple[str, Stage]]:
    """Give the stages: over which way to the database, and what falls silent."""
    found: dict[str, tuple[str, Stage]] = {
        # Who has no connection any more must make one.
        "connecting": ("proxied", lambda: _network(stand, cut_all, stall_all)),
        "asking": ("proxied", lambda: _network(stand, stall_all)),
        "in the middle of a result": ("proxied", lambda: _network(stand, stall_on("D"))),
        "before the acknowledgement": ("proxied", lambda: _network(stand, stall_on("C"))),
        "waiting for a lock": ("proxied", lambda: _lock(stand, database)),
    }
    if stand.pooler:
        found["the pooler frozen"] = ("pooled", lambda: _frozen_pooler(stand))
    return found


def stalls(stand: Stand, database: str = OURS, only: Collection[str] = ()) -> list[Stall]:
    """Stall at every stage, or at some."""
    ports: dict[str, int] = {}
    found = []
    for name, (way, stage) in stages(stand, database).items():
        if only and name not in only:
            continue
        if way not in ports:
            ports[way] = stand.instance(way, database, settings=SETTINGS)[0].port
        found.append(_stall(stand, ports[way], database, name, stage))
    return found


def _stall(stand: Stand, port: int, database: str, name: str, stage: Stage) -> Stall:
    people = stand.people(2 * WAITING, database)
    readers, savers = people[:WAITING], people[WAITING:]

    async def reads() -> list[Answer]:
        return await asyncio.gather(
            *(ask(port, "/profile", stand.headers(one), None, PATIENCE_S) for one in readers)
        )

    async def saves() -> list[Answer]:
        return await asyncio.gather(
            *(
                ask(
                    port,
                    "/onboarding/review",
                    stand.headers(one),
                    stand.confirmation(one, ALL_ANSWERS[0]),
                    PATIENCE_S,
                )
                for one in savers
            )
        )

    slow, health = [], []
    for waiting in (reads, saves):
        finish(reads())  # every thread has its connection, as after some time of use
        answers, probed = _during(port, stage, waiting)
        slow.append(answers)
        health += probed
        finish(_until_answered(port, stand.headers(readers[0])))
    after = finish(saves())
    return Stall(
        name,
        max(answer.seconds for answer in slow[0]),
        max(answer.seconds for answer in slow[1]),
        max(answer.seconds for answer in health),
        sum(answer.status == 0 for answer in [*slow[0], *slow[1], *health]),
        all(answer.status == 303 for answer in after),
    )


async def _until_answered(port: int, headers: dict[str, str]) -> None:
    """Ask until there is an answer again, for a second at most."""
    until = time.monotonic() + RECOVERED_WITHIN_S
    while time.monotonic() < until:
        answer = await ask(port, "/profile", headers, None, RECOVERED_WITHIN_S)
        if answer.status in (200, 303):
            return
        await asyncio.sleep(0.05)


def _during(
    port: int, stage: Stage, waiting: Callable[[], Coroutine[None, None, list[Answer]]]
) -> tuple[list[Answer], list[Answer]]:
    """Ask while a stage lasts, and probe meanwhile."""
    stopped = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        with stage():
            probing = beside.submit(asyncio.run, probes(port, stopped))
            try:
                answers = finish(waiting())
            finally:
                stopped.set()
        return answers, probing.result()


async def probes(port: int, stopped: threading.Event) -> list[Answer]:
    """Ask `/healthz` twenty times a second until told to stop."""
    asking = []
    while not stopped.is_set():
        headers = {"Host": f"127.0.0.1:{port}"}
        asking.append(asyncio.create_task(ask(port, "/healthz", headers, None, PATIENCE_S)))
        await asyncio.sleep(0.05)
    return await asyncio.gather(*asking)


def main() -> int:
    """Stall everywhere; the last line is the figure."""
    chosen = options("pooler").parse_args()
    with raised(pooler=chosen.pooler) as stand:
        found = stalls(stand, chosen.database)
    for stall in found:
        print(stall)
    print(f"{sum(stall.is_right() for stall in found)} of {len(found)} stalls right")
    return int(not all(stall.is_right() for stall in found))


if __name__ == "__main__":
    sys.exit(main())
