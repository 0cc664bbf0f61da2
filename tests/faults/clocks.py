"""Servers whose clocks are a minute fast or slow serve the same users; a page from one is submitted to
another.

A submit is right when its answers are saved. Sessions too: one that ends in half a minute is live on
every server, one that ended half a minute ago on none, since the database's clock decides.
"""

import time
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from itertools import product

from bs4 import BeautifulSoup

from devstack.processes import ROOT
from tests.faults.client import fetch, run
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.questionnaires import DEFAULT
from tests.users import User

SKEWS_S = (-60, 0, 60)
CLOCK = ROOT / "tests" / "faults" / "clock"


def measure(
    cluster: Cluster,
    app: Variant = THIS_APP,
    *,
    users_each: int = 25,
    skews_s: Sequence[int] = SKEWS_S,
) -> Result:
    """Let users submit to servers with these clocks."""
    # A minute is what a clock may be off, so one of two is right.
    pairs = [pair for pair in product(skews_s, repeat=2) if abs(pair[0] - pair[1]) <= 60]
    ports = {
        skew: cluster.start(settings={"PYTHONPATH": str(CLOCK), "CLOCK_SHIFT_SECONDS": str(skew)})
        for skew in skews_s
    }
    users = cluster.users(len(pairs) * users_each)
    cluster.save_drafts(users)
    submits = list(zip(users, pairs * users_each, strict=True))

    async def submit_all() -> list[bool]:
        return [
            await _submits(cluster, user, ports[shown], ports[sent])
            for user, (shown, sent) in submits
        ]

    failed = run(submit_all()).count(False)
    misses = [f"{failed} submits failed"] if failed else []
    for skew, port in ports.items():
        answer = run(fetch(port, "/healthz", {"Host": "localhost"}))
        real = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
        if abs(real - skew) > 5:
            misses.append(f"the clock is {real:+.0f} s off, not {skew:+d} s")
        for lifetime_s in (30, -30):
            [user] = cluster.users(1, lifetime=timedelta(seconds=lifetime_s))
            path = f"/onboarding/{DEFAULT.questions[0].slug}"
            page = run(fetch(port, path, cluster.headers(user)))
            if (page.status == 200) != (lifetime_s > 0):
                misses.append(
                    f"{skew:+d} s: {page.status} for a session that ends in {lifetime_s} s"
                )
    return Result(f"{failed} of {len(submits)} submits failed", misses)


async def _submits(cluster: Cluster, user: User, shown: int, sent: int) -> bool:
    headers = cluster.headers(user)
    page = await fetch(shown, "/onboarding/review", headers)
    fields = BeautifulSoup(page.body, "html5lib").select("form[method=post] input[type=hidden]")
    form = {str(field["name"]): str(field["value"]) for field in fields}
    response = await fetch(sent, "/onboarding/review", headers, form)
    return (response.status, response.location) == (303, "/profile")
