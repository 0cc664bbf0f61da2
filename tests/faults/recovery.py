"""The database is away for a while, in every way it can be, while twenty requests a second come.

The outage is shorter than the budget, so nobody may be refused: neither while it lasts nor while all
that waited are served. The latter has to be over within a second.
"""

import time
from collections.abc import Collection, Mapping
from functools import cache, partial

from tests.faults.client import Response, fetching
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.faults.outages import Outage, outages

SECONDS = 3
A_SECOND = 20
OVER_WITHIN_S = 1


def measure(
    cluster: Cluster,
    app: Variant = THIS_APP,
    *,
    only: Collection[str] = (),
    seconds: float = SECONDS,
    slack_s: float = 0,
    settings: Mapping[str, str] = {},
) -> Result:
    """Let the database be away in each way, or in some. The slack is a busy machine's."""
    failed, sent, slowest, misses = 0, 0, 0.0, []
    start = cache(partial(cluster.start, app=app, settings=settings))
    for outage in outages(cluster):
        if only and outage.name not in only:
            continue
        responses, end = _responses(cluster, app, start(outage.route), outage, seconds)
        bad = sum(response.status not in (200, 303) for response in responses)
        over_s = max(response.ended for response in responses if response.began < end) - end
        failed, sent, slowest = failed + bad, sent + len(responses), max(slowest, over_s)
        if max(response.seconds for response in responses) < seconds / 2:
            misses.append(f"{outage.name}: not felt")
        if bad:
            misses.append(f"{outage.name}: {bad} of {len(responses)} failed")
        if over_s > OVER_WITHIN_S + slack_s:
            misses.append(f"{outage.name}: over {over_s:.2f} s after it")
    return Result(f"{failed} of {sent} failed, over {slowest:.2f} s after it", misses)


def _responses(
    cluster: Cluster, app: Variant, port: int, outage: Outage, seconds: float
) -> tuple[list[Response], float]:
    """Return the responses, and when the outage was over."""
    [user] = cluster.users(1, app)
    with fetching(1 / A_SECOND, port, "/profile", cluster.headers(user)) as reading:
        time.sleep(0.5)
        with outage.lasting():
            time.sleep(seconds)
        end = time.monotonic()
        time.sleep(0.5)
    return reading.result(), end
