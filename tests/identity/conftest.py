"""A database for main sites, and one of them with our table."""

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from tests.identity.tables import KYSELY
from tests.schemas import Schema, ScratchDatabase, create_scratch_database


@pytest.fixture(scope="session")
def scratch_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "identities") as made:
        yield made


@pytest.fixture(scope="session")
def migrated(scratch_database: ScratchDatabase) -> Schema:
    """A main site that never changes, with our table."""
    schema = scratch_database.create_schema("migrated", KYSELY.ddl())
    schema.migrate()
    return schema
