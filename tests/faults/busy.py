"""Two hundred requests come at once to one worker, while other processes keep the machine busy.

The database answers, so nobody may be refused, however long the line is.
"""

import sys
from collections.abc import Mapping
from contextlib import ExitStack

from devstack.processes import Child
from tests.faults.client import fetch_all
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant

REQUESTS = 200
BUSY_PROCESSES = 6


def measure(
    cluster: Cluster,
    app: Variant = THIS_APP,
    *,
    requests: int = REQUESTS,
    busy: int = BUSY_PROCESSES,
    settings: Mapping[str, str] = {},
) -> Result:
    """Send them; with the default settings if no others are given."""
    port = cluster.start("direct", app, settings=settings)
    users = cluster.users(requests, app)

    with ExitStack() as stack:
        for number in range(busy):
            log = cluster.logs / f"busy-{number}.log"
            stack.enter_context(Child("busy", [sys.executable, "-c", "while True: pass"], log=log))
        reads = [(port, "/profile", cluster.headers(user)) for user in users]
        responses = fetch_all(reads, at_once=requests)
    refused = [response for response in responses if response.status not in (200, 303)]
    slowest = max(response.seconds for response in responses)
    figure = f"{len(refused)} refused, slowest {slowest:.1f} s"
    return Result(figure, [figure] if refused else [])
