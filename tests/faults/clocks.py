"""`python -m tests.faults.clocks`: instances whose clocks are a minute fast or slow serve the same
people; a page from one is submitted to another.

A submit is right when its answers are saved. Sessions are looked at too: one that ends in half a
minute is in on every instance, one that ended half a minute ago is out on all, since the database's
clock decides.
"""

import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from bs4 import BeautifulSoup

from devstack.processes import ROOT
from tests.faults.client import ask, finish
from tests.faults.stand import OURS, Stand, raised
from tests.faults.storm import ALL_ANSWERS
from tests.visitor import Person, newcomer

SKEWS_S = (-60, 0, 60)
# Of two instances; 60 s is what a clock may be off, so one of them is right.
PAIRS = [(shown, sent) for shown in SKEWS_S for sent in SKEWS_S if abs(shown - sent) <= 60]
CLOCK = ROOT / "tests" / "faults" / "clock"


@dataclass(frozen=True)
class Skewed:
    """What came of the clocks; `skews_s`: how far off the instances' clocks really were."""

    submits: int
    failed: int
    sessions: int
    misjudged: int
    skews_s: list[int]

    @property
    def is_right(self) -> bool:
        """Tell whether the clocks were off, and nobody noticed."""
        off = all(abs(real - meant) <= 2 for real, meant in zip(self.skews_s, SKEWS_S, strict=True))
        return off and not self.failed and not self.misjudged

    def __str__(self) -> str:
        skews = ", ".join(f"{skew:+d}" for skew in self.skews_s)
        return (
            f"clocks off by {skews} s: {self.failed} of {self.submits} submits failed, "
            f"{self.misjudged} of {self.sessions} sessions misjudged"
        )


def skewed(stand: Stand, people_each: int = 25) -> Skewed:
    """Let people submit on instances with these clocks."""
    shifts = [{"PYTHONPATH": str(CLOCK), "CLOCK_SHIFT_SECONDS": str(skew)} for skew in SKEWS_S]
    ports = {
        skew: stand.instance("direct", OURS, settings=shift)[0].port
        for skew, shift in zip(SKEWS_S, shifts, strict=True)
    }
    submits = [pair for pair in PAIRS for _ in range(people_each)]
    crowd = stand.people(len(submits))
    stand.draft(crowd, ALL_ANSWERS[0])

    async def look() -> Skewed:
        done = [
            await _submit(stand, person, ports[shown], ports[sent])
            for person, (shown, sent) in zip(crowd, submits, strict=True)
        ]
        sessions = [
            await _misjudged(stand, port, live) for port in ports.values() for live in (True, False)
        ]
        skews = [await _skew_s(port) for port in ports.values()]
        return Skewed(len(done), done.count(False), len(sessions), sessions.count(True), skews)

    return finish(look())


async def _submit(stand: Stand, person: Person, shown: int, sent: int) -> bool:
    headers = stand.headers(person)
    page = await ask(shown, "/onboarding/review", headers)
    fields = BeautifulSoup(page.body, "html5lib").select("form[method=post] input[type=hidden]")
    form = {str(field["name"]): str(field["value"]) for field in fields}
    answer = await ask(sent, "/onboarding/review", headers, form)
    return (answer.status, answer.location) == (303, "/profile")


async def _misjudged(stand: Stand, port: int, live: bool) -> bool:
    lifetime = timedelta(seconds=30 if live else -30)
    person = newcomer(stand.way("direct"), stand.cookie, lifetime=lifetime)
    answer = await ask(port, "/onboarding/python-proficiency", stand.headers(person))
    return (answer.status == 200) is not live


async def _skew_s(port: int) -> int:
    answer = await ask(port, "/healthz", {"Host": "localhost"})
    return round(parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time())


def main() -> int:
    """Submit; the last line is the figure."""
    with raised() as stand:
        found = skewed(stand)
    print(found)
    return int(not found.is_right)


if __name__ == "__main__":
    sys.exit(main())
