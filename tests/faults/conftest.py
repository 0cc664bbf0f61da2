"""One cluster for each file: its database server is stopped and crashed."""

from collections.abc import Iterator

import pytest

from tests.faults.cluster import Cluster, start_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with start_cluster() as cluster:
        yield cluster
