"""Places to migrate, each a schema of one database."""

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from tests.schemas import ScratchDatabase, create_scratch_database


@pytest.fixture(scope="session")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "migrations") as made:
        yield made
