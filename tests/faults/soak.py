"""How much memory the workers gain by many requests of every kind: pages, a save and its repetition,
errors, probes, forged cookies.
"""

from collections.abc import Iterator
from itertools import cycle, islice

import psutil

from tests.faults.client import fetch_all
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.questionnaires import DEFAULT

REQUESTS = 20_000
# Caches, pools and compiled templates fill up first.
WARM_UP = 2_000
GROWTH_MB = 5

Request = tuple[str, dict[str, str], dict[str, str] | None]


def measure(cluster: Cluster, app: Variant = THIS_APP) -> Result:
    """Send the requests after a warm-up."""
    port = cluster.start(workers=2)
    requests = ((port, *request) for request in _requests(cluster))
    fetch_all(islice(requests, WARM_UP))
    workers = psutil.Process(cluster.children[-1].pid).children()
    before = [worker.memory_info().rss for worker in workers]
    responses = fetch_all(islice(requests, REQUESTS))
    pairs = zip(workers, before, strict=True)
    grown_mb = max((worker.memory_info().rss - rss) / 2**20 for worker, rss in pairs)
    failed = sum(response.status == 0 or response.status >= 500 for response in responses)
    figure = f"a worker grows by {grown_mb:.1f} MB"
    misses = [figure] if grown_mb > GROWTH_MB else []
    return Result(figure, misses + [f"{failed} failed"] * bool(failed))


def _requests(cluster: Cluster) -> Iterator[Request]:
    """Return requests of every kind in turn, of twenty users."""
    for number, user in enumerate(cycle(cluster.users(20))):
        headers = cluster.headers(user)
        answers = THIS_APP.answers[number % len(THIS_APP.answers)]
        yield "/profile", headers, None
        yield f"/onboarding/{DEFAULT.questions[0].slug}", headers, None
        yield "/onboarding/review", headers, cluster.form(user, answers)
        yield "/signed-out", headers, None
        yield f"/nowhere/{number}", headers, None
        yield "/healthz", {"Host": "localhost"}, None
        yield "/profile", headers | {"Cookie": f"{user.cookie[:-8]}{number:08}"}, None
        yield "/onboarding/review", headers, {"csrf_token": f"{number}"}
        yield "/api/profile", headers, None
        yield "/static/style.css", headers, None
