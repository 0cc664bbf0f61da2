"""1,200 transactions go through a real PgBouncer in transaction mode, which has fewer connections to the
server than the app has to it.

Whatever a connection remembers (a prepared statement, a setting) is somewhere else at its next
transaction. A transaction failed if its request isn't answered as it is without a pooler.
"""

from itertools import cycle

from tests.faults.client import fetch_all
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant

USERS = 400
# One for a page; and for a save the session's look-up and the answers'.
TRANSACTIONS_EACH = 3


def measure(cluster: Cluster, app: Variant = THIS_APP) -> Result:
    """Let users look and save through the pooler, on two servers."""
    assert cluster.pooler, "this cluster has no pooler"
    ports = [cluster.start("pooled", app, workers=2) for _ in range(2)]
    users = cluster.users(USERS, app)
    before = cluster.pooler.transactions()

    requests = [(port, cluster.headers(user)) for port, user in zip(cycle(ports), users)]
    forms = (cluster.form(*pair) for pair in zip(users, cycle(app.answers)))
    pages = fetch_all((port, "/profile", headers) for port, headers in requests)
    saves = fetch_all(
        (port, "/onboarding/review", headers, form)
        for (port, headers), form in zip(requests, forms, strict=True)
    )
    failed = sum(page.status not in (200, 303) for page in pages)
    # Whose look-up fails has no second transaction, yet both were wanted.
    failed += 2 * sum((save.status, save.location) != (303, "/profile") for save in saves)
    passed = cluster.pooler.transactions() - before
    misses = [f"{failed} failed"] if failed else []
    if passed < USERS * TRANSACTIONS_EACH:
        misses.append(f"only {passed} transactions came through the pooler")
    return Result(f"{failed} failed", misses)
