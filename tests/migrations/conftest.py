"""Places to migrate, each a schema of one database."""

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from tests.places import Places, divided


@pytest.fixture(scope="session")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "migrations") as made:
        yield made
