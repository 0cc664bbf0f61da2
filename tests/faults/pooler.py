"""1,200 transactions go through a real PgBouncer in transaction mode, which has fewer connections to the
server than the app has to it.

Whatever a connection remembers (a prepared statement, a setting) is somewhere else at its next
transaction. A transaction failed if its request isn't answered as it is without a pooler.
"""

import asyncio

from tests.faults.client import Response, fetch, run
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.users import User

USERS = 400
# One for a page; and for a save the session's look-up and the answers'.
TRANSACTIONS_EACH = 3


def measure(cluster: Cluster, app: Variant = THIS_APP) -> Result:
    """Let users look and save through the pooler, on two servers."""
    assert cluster.pooler, "this cluster has no pooler"
    ports = [cluster.start("pooled", app, workers=2) for _ in range(2)]
    users = cluster.users(USERS, app)
    before = cluster.pooler.transactions()

    async def visit(number: int, user: User, at_once: asyncio.Semaphore) -> int:
        port, headers = ports[number % len(ports)], cluster.headers(user)
        form = cluster.form(user, app.answers[number % len(app.answers)])
        async with at_once:
            page = await fetch(port, "/profile", headers)
            save: Response = await fetch(port, "/onboarding/review", headers, form)
        # Whose look-up fails has no second transaction, yet both were wanted.
        return (page.status not in (200, 303)) + 2 * (
            (save.status, save.location) != (303, "/profile")
        )

    async def visits() -> list[int]:
        at_once = asyncio.Semaphore(16)
        return await asyncio.gather(*(visit(*pair, at_once) for pair in enumerate(users)))

    failed = sum(run(visits()))
    passed = cluster.pooler.transactions() - before
    misses = [f"{failed} failed"] if failed else []
    if passed < USERS * TRANSACTIONS_EACH:
        misses.append(f"only {passed} transactions came through the pooler")
    return Result(f"{failed} failed", misses)
