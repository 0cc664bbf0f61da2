"""`python -m tests.faults.recovery [--pooler] [--tutorial]`: the database is away for a while, in every
way it can be, while people go on asking.

recovered   how long after it was back the last request failed: 0 s when none did
/healthz    the slowest answer of the whole time; an outage must not take liveness down
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.faults.client import Answer, ask
from tests.faults.proxy import cut_all, let_pass, stall_all
from tests.faults.stalls import ALIVE_WITHIN_S, PATIENCE_S, RECOVERED_WITHIN_S, in_time, probes
from tests.faults.stand import OURS, Stand, options, raised

A_SECOND = 20


@dataclass(frozen=True)
class Recovery:
    """What one outage did."""

    outage: str
    recovered_s: float
    probes_s: float
    failed_meanwhile: int
    asked: int

    def is_right(self, slack_s: float = 0) -> bool:
        """Tell whether it was over in time, and the process alive all the while."""
        return in_time(
            slack_s, (self.recovered_s, RECOVERED_WITHIN_S), (self.probes_s, ALIVE_WITHIN_S)
        )

    def __str__(self) -> str:
        return (
            f"{self.outage}: recovered after {self.recovered_s:.2f} s, "
            f"/healthz {self.probes_s * 1000:.0f} ms, {self.failed_meanwhile} of {self.asked} failed"
        )


Outage = tuple[str, Callable[[], None], Callable[[], None]]


def outages(stand: Stand) -> dict[str, Outage]:
    """Give the outages: over which way they are felt, how each begins and ends."""
    proxy, server, pooler = stand.proxy, stand.server, stand.pooler

    def go_on() -> None:
        proxy.follow(let_pass)

    found: dict[str, Outage] = {
        "PostgreSQL stopped": ("direct", server.stop, server.start_again),
        "PostgreSQL crashed": ("direct", server.crash, server.start_again),
        "unreachable": ("proxied", lambda: proxy.follow(cut_all), go_on),
        "frozen": ("proxied", lambda: proxy.follow(stall_all), go_on),
    }
    if pooler:
        found["PgBouncer killed"] = ("pooled", pooler.kill, pooler.start_again)
        found["PgBouncer frozen"] = ("pooled", pooler.freeze, pooler.thaw)
    return found


def recoveries(
    stand: Stand, database: str = OURS, seconds: float = 4, only: Collection[str] = ()
) -> list[Recovery]:
    """Let the database be away for `seconds` in each way, or in some."""
    found = []
    ports = {}
    for name, (way, begin, end) in outages(stand).items():
        if only and name not in only:
            continue
        if way not in ports:
            ports[way] = stand.instance(way, database)[0].port
        found.append(_recovery(stand, ports[way], database, seconds, name, begin, end))
    return found


def _recovery(
    stand: Stand,
    port: int,
    database: str,
    seconds: float,
    name: str,
    begin: Callable[[], None],
    end: Callable[[], None],
) -> Recovery:
    headers = stand.headers(stand.people(1, database)[0])
    stopped = threading.Event()

    async def reads() -> list[Answer]:
        asking = []
        while not stopped.is_set():
            one = ask(port, "/profile", headers, None, PATIENCE_S)
            asking.append(asyncio.create_task(one))
            await asyncio.sleep(1 / A_SECOND)
        return await asyncio.gather(*asking)

    with ThreadPoolExecutor(2) as beside:
        reading = beside.submit(asyncio.run, reads())
        probing = beside.submit(asyncio.run, probes(port, stopped))
        time.sleep(0.5)
        begin()
        time.sleep(seconds)
        end()
        back = time.monotonic()
        time.sleep(2 * RECOVERED_WITHIN_S)
        stopped.set()
        answers, health = reading.result(), probing.result()
    # The tutorial's app answers 200 here, ours leads to the questions.
    failed = [answer for answer in answers if answer.status not in (200, 303)]
    return Recovery(
        name,
        max([0.0, *(answer.at - back for answer in failed)]),
        max(answer.seconds for answer in health),
        len(failed),
        len(answers),
    )


def main() -> int:
    """Try every outage; the last line is the figure."""
    chosen = options("pooler").parse_args()
    with raised(pooler=chosen.pooler) as stand:
        found = recoveries(stand, chosen.database)
    for recovery in found:
        print(recovery)
    print(
        f"slowest recovery {max(one.recovered_s for one in found):.2f} s, "
        f"slowest /healthz {max(one.probes_s for one in found) * 1000:.0f} ms"
    )
    return int(not all(recovery.is_right() for recovery in found))


if __name__ == "__main__":
    sys.exit(main())
