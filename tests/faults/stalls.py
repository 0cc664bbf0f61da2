"""The database falls silent at every stage of its work, while as many requests wait as a worker has
threads, twice in a row.

Everybody has to be answered within the budget and half a second, whatever is silent. `/healthz` may
wait as long as people do until the first of them have waited in vain; from then on it has to be quick,
since an orchestrator that gets no answer kills a process that only waits.
"""

from collections.abc import Collection, Sequence
from functools import cache, partial
from typing import Any

from onboarding.settings import THREADS
from tests.faults.client import Response, fetch_all, fetching
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.faults.outages import Outage, silences
from tests.users import User

# Of reads and saves in seconds. libpq takes 2 seconds at least to give up connecting.
BUDGETS_S = (3, 4)
# What comes on top: the server is told that nobody waits any more, and the response is made.
GRACE_S = 0.5
# Those that waited get their responses all at once, which keeps the interpreter busy for a moment.
ALIVE_WITHIN_S = 0.25
# Whoever waits longer than this waits for good, as far as people go.
PATIENCE_S = 10


def measure(
    cluster: Cluster,
    app: Variant = THIS_APP,
    *,
    only: Collection[str] = (),
    budgets_s: tuple[int, int] = BUDGETS_S,
    slack_s: float = 0,
) -> Result:
    """Stall at every stage, or at some. The slack is a busy machine's."""
    names = ("READ_BUDGET_SECONDS", "WRITE_BUDGET_SECONDS")
    settings = dict(zip(names, map(str, budgets_s), strict=True))
    slowest, slowest_probe, unanswered, misses = 0.0, 0.0, 0, []
    start = cache(partial(cluster.start, app=app, settings=settings))
    for silence in silences(cluster, app):
        if only and silence.name not in only:
            continue
        kinds = zip(("reads", "saves"), budgets_s, strict=True)
        # A lock lets reads through, so nobody is refused, and probes wait as people do.
        is_lock = silence.name == "behind a lock"
        for kind, budget_s in list(kinds)[is_lock:]:
            port = start(silence.route)
            first, second, probes, after = _stall(cluster, app, port, silence, kind)
            everybody, first_end = [*first, *second, *probes], max(one.ended for one in first)
            later = [] if is_lock else [probe for probe in probes if probe.began > first_end]
            lost = sum(response.status == 0 for response in everybody)
            found = {
                f"{_slowest(everybody):.2f} s": _slowest(everybody) > budget_s + GRACE_S + slack_s,
                f"/healthz {_slowest(later):.2f} s": _slowest(later) > ALIVE_WITHIN_S + slack_s,
                f"{lost} unanswered": lost,
                "not felt": _slowest(first) < budget_s / 2,
                "not recovered": any(response.status != 303 for response in after),
            }
            misses += [f"{silence.name}, {kind}: {miss}" for miss, holds in found.items() if holds]
            unanswered += lost
            slowest = max(slowest, _slowest([*first, *second]))
            slowest_probe = max(slowest_probe, _slowest(later))
    text = f"{unanswered} unanswered after" if unanswered else "answered within"
    text = f"{text} {slowest:.1f} s (budgets {budgets_s[0]} and {budgets_s[1]} s)"
    return Result(f"{text}, then `/healthz` {slowest_probe * 1000:.0f} ms", misses)


def _slowest(responses: Sequence[Response]) -> float:
    return max((response.seconds for response in responses), default=0)


def _stall(
    cluster: Cluster, app: Variant, port: int, silence: Outage, kind: str
) -> list[list[Response]]:
    """Return the responses to both waves, to the probes meanwhile, and to saves after the stall."""
    users = cluster.users(THREADS, app)

    def wave(kind: str) -> list[Response]:
        return fetch_all([request(user, kind) for user in users], at_once=THREADS)

    def request(user: User, kind: str) -> tuple[Any, ...]:
        if kind == "reads":
            return port, "/profile", cluster.headers(user), None, PATIENCE_S
        form = cluster.form(user, app.answers[0])
        return port, "/onboarding/review", cluster.headers(user), form, PATIENCE_S

    wave("reads")  # every pooled connection is made, as after some time of use
    probe = (port, "/healthz", {"Host": f"127.0.0.1:{port}"}, None, PATIENCE_S)
    with fetching(0.05, *probe) as probes, silence.lasting():
        waves = [wave(kind), wave(kind)]
    wave("reads")
    return [*waves, probes.result(), wave("saves")]
