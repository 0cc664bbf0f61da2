"""Two instances behind the shipped nginx file are restarted, reloaded and hurt while people answer.

`make stress` runs it. The short form, without nginx, is `tests/test_rolling.py`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onboarding import POOL_SIZE
from tests.conftest import Stage
from tests.stress.conftest import Figure
from tests.stress.crowd import Crowd
from tests.stress.document import OURS
from tests.stress.front import Front, nginx
from tests.stress.instances import ORIGIN, Instance, assert_all_was_kept, newcomers, two_instances

POSTS = 6000
# As many as one worker has connections for: with the other three gone nobody waits for one.
PEOPLE = POOL_SIZE


@pytest.fixture(scope="module")
def instances(stage: Stage) -> Iterator[list[Instance]]:
    with two_instances(stage, workers=2) as instances:
        yield instances


@pytest.fixture(scope="module")
def front(instances: list[Instance], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    with nginx([instance.path for instance in instances], folder) as front:
        yield front


def test_no_form_fails_while_instances_restart_reload_and_lose_workers(
    stage: Stage,
    instances: list[Instance],
    front: Front,
    figure: Figure,
) -> None:
    crowd = Crowd(newcomers(stage, instances[0], PEOPLE), front.line, ORIGIN)
    disturbances = [
        disturb
        for instance in instances
        for disturb in (instance.restart, instance.reload, instance.lose_a_worker)
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
    seconds = sorted(second for told in crowd.told for second in told.seconds)
    assert seconds, crowd.failed[:3]
    stops = [stop for instance in instances for stop in instance.stops]
    figure(
        f"{len(disturbances)} restarts, reloads and killed workers",
        OURS,
        f"{len(crowd.failed)} of {crowd.posts} posts failed; 99 % within "
        f"{seconds[len(seconds) * 99 // 100]:.2f} s, slowest {seconds[-1]:.2f} s; "
        f"an instance stopped in {max(stops, default=0):.1f} s",
    )
    assert_all_was_kept(stage, crowd)
    assert crowd.posts >= POSTS
