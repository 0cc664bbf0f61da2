"""The ways in which a database can be away, or silent."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from tests.faults.cluster import Cluster, Variant
from tests.faults.proxy import cut_all, let_pass, stall_all, stall_on


@dataclass(frozen=True)
class Outage:
    """An outage that is felt on a route. `begin` and `end` start processes: from the main thread only."""

    name: str
    route: str
    begin: Callable[[], object]
    end: Callable[[], object]

    @contextmanager
    def lasting(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()


def outages(cluster: Cluster) -> list[Outage]:
    """Return an outage for each way to be away."""
    proxy, server, pooler = cluster.proxy, cluster.server, cluster.pooler
    found = [
        Outage("PostgreSQL stopped", "direct", server.stop, server.start_again),
        Outage("PostgreSQL crashed", "direct", server.crash, server.start_again),
        _network(cluster, "unreachable", lambda: proxy.follow(cut_all)),
        _network(cluster, "frozen", lambda: proxy.follow(stall_all)),
    ]
    if pooler:
        found += [
            Outage("PgBouncer killed", "pooled", pooler.kill, pooler.start_again),
            Outage("PgBouncer frozen", "pooled", pooler.freeze, pooler.thaw),
        ]
    return found


def silences(cluster: Cluster, app: Variant) -> list[Outage]:
    """Return an outage for each stage of its work at which the database falls silent."""
    proxy = cluster.proxy
    blocker = ExitStack()

    def connecting() -> None:
        proxy.follow(cut_all)
        proxy.follow(stall_all)

    def lock() -> None:
        connection = blocker.enter_context(psycopg.connect(cluster.url(app=app)))
        connection.execute("LOCK TABLE user_profile IN SHARE ROW EXCLUSIVE MODE")

    return [
        _network(cluster, "connecting", connecting),
        _network(cluster, "in a result", lambda: proxy.follow(stall_on("D"))),
        _network(cluster, "before the acknowledgement", lambda: proxy.follow(stall_on("C"))),
        Outage("behind a lock", "proxied", lock, blocker.close),
        *(outage for outage in outages(cluster) if outage.name.endswith("frozen")),
    ]


def _network(cluster: Cluster, name: str, begin: Callable[[], object]) -> Outage:
    return Outage(name, "proxied", begin, lambda: cluster.proxy.follow(let_pass))
