"""`python -m tests.faults.soak [--requests N]`: how much memory the workers gain by many requests, of every
kind: pages, a save and its repetition, errors, probes, forged cookies.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

import psutil

from tests.faults.client import Answer, ask, finish
from tests.faults.stand import OURS, Stand, raised
from tests.faults.storm import ALL_ANSWERS

REQUESTS = 20_000
# Caches, pools and compiled templates fill up first.
WARM_UP = 0.1
GROWTH_MB = 5


@dataclass(frozen=True)
class Soak:
    """How many requests, and what each worker gained by them, in megabytes."""

    requests: int
    grown_mb: list[float]
    failed: int

    @property
    def is_right(self) -> bool:
        """Tell whether no worker gained more than is allowed, and every request was answered."""
        return not self.failed and max(self.grown_mb) < GROWTH_MB

    def __str__(self) -> str:
        grown = ", ".join(f"{mb:+.1f}" for mb in self.grown_mb)
        return f"{self.requests} requests, {self.failed} failed: workers grew by {grown} MB"


def soak(stand: Stand, requests: int = REQUESTS) -> Soak:
    """Send so many requests after a warm-up."""
    app, child = stand.instance("direct", OURS, workers=2)
    kinds = _kinds(stand)
    _send(app.port, list(islice(kinds, int(requests * WARM_UP))))
    workers = psutil.Process(child.pid).children()
    before = [worker.memory_info().rss for worker in workers]
    answers = _send(app.port, list(islice(kinds, requests)))
    grown = [
        (worker.memory_info().rss - rss) / 2**20
        for worker, rss in zip(workers, before, strict=True)
    ]
    failed = sum(answer.status == 0 or answer.status >= 500 for answer in answers)
    return Soak(len(answers), grown, failed)


Request = tuple[str, dict[str, str], dict[str, str] | None]


def _kinds(stand: Stand) -> Iterator[Request]:
    """Give requests of every kind in turn, of twenty people."""
    people = stand.people(20)
    for number, person in enumerate(cycle(people)):
        headers = stand.headers(person)
        yield "/profile", headers, None
        yield "/onboarding/python-proficiency", headers, None
        yield "/onboarding/review", headers, stand.confirmation(person, ALL_ANSWERS[number % 12])
        yield "/signed-out", headers, None
        yield f"/nowhere/{number}", headers, None
        yield "/healthz", {"Host": "localhost"}, None
        yield "/profile", headers | {"Cookie": f"{person.cookie[:-8]}{number:08}"}, None
        yield "/onboarding/review", headers, {"csrf_token": f"{number}"}
        yield "/api/profile", headers, None
        yield "/static/style.css", headers, None


def _send(port: int, requests: list[Request]) -> list[Answer]:
    async def send() -> list[Answer]:
        at_once = asyncio.Semaphore(16)

        async def one(path: str, headers: dict[str, str], form: dict[str, str] | None) -> Answer:
            async with at_once:
                return await ask(port, path, headers, form)

        return await asyncio.gather(*(one(*request) for request in requests))

    return finish(send())


def main() -> int:
    """Soak; the last line is the figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=REQUESTS)
    chosen = parser.parse_args()
    with raised() as stand:
        found = soak(stand, chosen.requests)
    print(found)
    return int(not found.is_right)


if __name__ == "__main__":
    sys.exit(main())
