"""Two servers behind the shipped nginx file are restarted, reloaded and hurt while people answer.

The short form, without nginx, is `tests/test_rolling.py`.
"""

import tempfile
from pathlib import Path

from onboarding import POOL_SIZE
from tests.conftest import Environment
from tests.faults.cluster import THIS_APP, Cluster, Result, Variant
from tests.stress.crowd import Crowd
from tests.stress.front import nginx
from tests.stress.servers import ORIGIN, assert_all_was_kept, create_users, two_servers

POSTS = 6000
# As many as one worker has connections for: with the other three gone nobody waits for one.
PEOPLE = POOL_SIZE


def measure(cluster: Cluster, app: Variant = THIS_APP) -> Result:
    """Disturb twelve times while they post; anything but the expected answer is a failure."""
    environment = Environment(
        cluster.server, cluster.url(), None, None, cluster.app(), cluster.logs
    )
    with (
        tempfile.TemporaryDirectory(prefix="nginx-") as folder,
        two_servers(environment, workers=2) as servers,
        nginx([server.path for server in servers], Path(folder)) as front,
    ):
        users = create_users(environment, servers[0], PEOPLE)
        crowd = Crowd(users, front.line, ORIGIN)
        disturbances = [
            disturb
            for server in servers
            for disturb in (server.restart, server.reload, server.lose_a_worker)
        ] * 2
        try:
            for disturb in disturbances:
                crowd.reach(POSTS // len(disturbances) // 2)
                disturb()
                if crowd.failed:
                    break
            crowd.reach(max(0, POSTS - crowd.posts))
        finally:
            crowd.stop()
        if not crowd.failed:
            assert_all_was_kept(environment, crowd)
        seconds = sorted(second for outcome in crowd.outcome for second in outcome.seconds)
        stops = [stop for server in servers for stop in server.stops]
        figure = (
            f"{len(crowd.failed)} of {crowd.posts} posts failed; 99 % within "
            f"{seconds[len(seconds) * 99 // 100]:.2f} s, slowest {seconds[-1]:.2f} s; "
            f"an instance stopped in {max(stops, default=0):.1f} s"
        )
        return Result(figure, crowd.failed[:3])
