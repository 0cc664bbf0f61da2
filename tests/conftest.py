"""Fixtures: a real PostgreSQL, a real Better-Auth main site, users and browsers.

Servers are started once a run. Every test creates users of its own, so tests share one database
without seeing each other.
"""

import io
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from flask import Flask
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from devstack import postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.postgres import Postgres
from devstack.processes import free_port
from devstack.roles import DatabaseRoles, create_roles
from onboarding import create_app
from onboarding.logs import LineFormatter
from onboarding.settings import Settings
from onboarding.web.request_log import log_context
from tests import secret_scan
from tests.browser import Browser
from tests.users import User, create_user

# Folders whose tests share what takes long to start: a worker gets all of one. The longest comes
# first, since one that came last would keep the others waiting.
TOGETHER = ("e2e", "compat", "doctor")
LONGEST = ("e2e", "test_demo", "compat", "test_faults", "doctor", "migrations", "web", "cli")


class Scheduling(LoadFileScheduling):
    """Keeps a file, or a folder of `TOGETHER`, on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, _ = nodeid.removeprefix("tests/").partition("/")
        return folder if folder in TOGETHER else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return Scheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-snapshots",
        action="store_true",
        help="write the snapshots anew from the present output",
    )
    parser.addoption("--release", action="store_true", help="record the statements of this version")
    parser.addoption("--cases", type=int, default=240, help="how many calls of the API to generate")
    parser.addoption("--walks", type=int, default=15, help="how many user walks to generate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        names = {item.path.parent.name, item.path.stem}
        return next((at for at, name in enumerate(LONGEST) if name in names), len(LONGEST))

    items.sort(key=rank)


@dataclass(frozen=True)
class Environment:
    """The servers that all tests share. `app_server` is started by the fixture `served_app`."""

    server: Postgres
    database_url: str
    """The database's address as a superuser; each server connects as a role of its own."""
    roles: DatabaseRoles
    main_site: MainSite
    app_server: App
    logs: Path

    def sql(self, query: str, *values: object) -> list[tuple]:
        """Run one statement as a superuser and return its rows."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session", autouse=True)
def _no_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the run at its end when a log holds one of its secrets."""
    with secret_scan.collect_records() as records:
        yield
    found = {"what this process logged": secret_scan.find_leaks("\n".join(records))}
    for log in secret_scan.app_log_files(tmp_path_factory.getbasetemp()):
        found[str(log)] = secret_scan.find_leaks(log.read_text(errors="replace"))
    assert {source: leaks for source, leaks in found.items() if leaks} == {}


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict]]]:
    """Return the lines that the app has logged during the test as JSON, parsed."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.INFO)
    handler.setFormatter(LineFormatter("json", log_context=log_context))
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres.temporary(log_statements=True, settings={"max_connections": "200"}) as running:
        secret_scan.register(running.password)
        yield running


@pytest.fixture(scope="session")
def environment(
    server: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Environment]:
    """A running main site and a migrated database, each server with a database role of its own."""
    logs = tmp_path_factory.mktemp("logs")
    roles = create_roles(
        server.create_database("environment"), owner="environment_owner", app="environment_app"
    )
    secret = secrets.token_urlsafe(32)
    secret_scan.register(secret, *roles.passwords.values())
    site_port, app_port = free_port(), free_port()
    site_url = f"http://localhost:{site_port}"
    app = App(app_port, roles.app_url, secret, site_url, owner_url=roles.owner_url)
    site = MainSite(site_port, roles.site_url, secret, app.url)
    site.migrate(logs / "main-site-migrate.log")
    roles.migrate(app, logs / "app-migrate.log")
    with site.start(logs / "main-site.log"):
        yield Environment(server, roles.url, roles, site, app, logs)


@pytest.fixture(scope="session")
def served_app(environment: Environment) -> Iterator[str]:
    """The address of the app under gunicorn, as it is deployed."""
    with environment.app_server.start(environment.logs / "app.log"):
        yield environment.app_server.url


@pytest.fixture(scope="session")
def settings(environment: Environment) -> Settings:
    return Settings.from_environ(environment.app_server.environment())


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="session")
def sign_up(environment: Environment) -> Callable[..., User]:
    """Sign a user up on the main site by HTTP."""

    def sign_up(name: str = "Ada Lovelace") -> User:
        email = f"{secrets.token_hex(8)}@example.test"
        password = "correct horse battery"
        answer = httpx.post(
            f"{environment.main_site.url}/api/auth/sign-up/email",
            json={"name": name, "email": email, "password": password},
            headers={"Origin": environment.main_site.url},
        )
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        body = answer.json()
        return User(body["user"]["id"], name, email, password, cookie, body["token"])

    return sign_up


@pytest.fixture
def user(environment: Environment, settings: Settings) -> User:
    """A new user, by SQL: the main site takes a fifth of a second to hash a password."""
    return create_user(environment.database_url, settings.session_cookie)


@pytest.fixture
def signed_up_user(sign_up: Callable[..., User]) -> User:
    """A user who signed up by HTTP, and can sign in again."""
    return sign_up()


@pytest.fixture
def open_browser(app: Flask) -> Callable[..., Browser]:
    """Open a browser window of a user, or of nobody, before the app in this process."""

    def open_browser(user: User | None = None, **headers: str) -> Browser:
        return Browser(app, user, headers)

    return open_browser
