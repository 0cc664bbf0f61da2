"""A database for the tests of the way to it, and a proxy that holds what passes."""

from collections.abc import Iterator

import pytest

from devstack.postgres import Postgres
from onboarding.database import Database
from tests.faults.proxy import Proxy
from tests.schemas import engine_url, open_database


@pytest.fixture(scope="session")
def url(server: Postgres) -> str:
    return server.create_database("connections")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with open_database(engine_url(url), pool_size=2) as database:
        yield database


@pytest.fixture
def proxy(server: Postgres) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy
