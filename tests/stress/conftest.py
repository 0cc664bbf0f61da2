"""The shipped nginx file before two real servers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Environment
from tests.stress.front import Nginx, nginx
from tests.stress.lines import ThroughNginx
from tests.stress.servers import Server, create_users, two_servers
from tests.users import User


@pytest.fixture(scope="session")
def passed_on(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a line for each request that reached a server: some of its headers."""
    return tmp_path_factory.mktemp("passed-on") / "log"


@pytest.fixture(scope="session")
def servers(environment: Environment, passed_on: Path) -> Iterator[list[Server]]:
    headers = "%({x-forwarded-for}i)s|%({forwarded}i)s|%({x-request-id}i)s"
    options = f"--access-logfile {passed_on} --access-logformat '{headers}'"
    with two_servers(environment, GUNICORN_CMD_ARGS=options) as servers:
        yield servers


@pytest.fixture(scope="session")
def front(servers: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    sockets = [server.path for server in servers]
    with nginx(sockets, tmp_path_factory.mktemp("nginx")) as front:
        yield front


@pytest.fixture
def line(front: Nginx) -> Iterator[ThroughNginx]:
    with closing(front.line()) as line:
        yield line


@pytest.fixture
def user(environment: Environment, servers: list[Server]) -> User:
    return create_users(environment, servers[0], 1)[0]
