"""The cast: a real PostgreSQL, a real Better-Auth main site, people who really signed up.

Servers are started once a run. Every test brings people of its own, so tests share one database
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

from devstack import postgres, roles
from devstack.app import App
from devstack.main_site import MainSite
from devstack.postgres import Postgres
from devstack.processes import free_port
from onboarding import create_app
from onboarding.config import Settings
from onboarding.logs import formatter
from onboarding.web.request_id import asked
from tests import secrecy
from tests.visitor import Person, Visitor, newcomer

# Whole files go to one worker each; a long one that came last would keep the others waiting.
LONG_FILES = (
    "test_faults",
    "test_rolling",
    "test_demo",
    "test_pages",
    "test_redirects",
    "test_csrf_matrix",
    "test_frame",
    "test_cookies",
    "test_tables",
    "test_plugins",
    "test_main_job",
    "test_start",
    "test_adopted",
    "test_live",
    "test_profile_commands",
    "test_api_fuzz",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-snapshots", action="store_true", help="take what is said now for what is right"
    )
    parser.addoption(
        "--release", action="store_true", help="keep the statements that this version sends"
    )
    parser.addoption("--cases", type=int, default=600, help="how many calls of the API to generate")
    parser.addoption("--walks", type=int, default=15, help="how many walks of people to generate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem not in LONG_FILES)


@dataclass(frozen=True)
class Stage:
    """The running parts. `app` is only described here; `served_app` starts it."""

    server: Postgres
    database_url: str
    """The database as a superuser; `app` and `site` have roles of their own."""
    shared: roles.Shared
    site: MainSite
    app: App
    logs: Path

    def sql(self, query: str, *values: object) -> list[tuple]:
        """Run one statement as a superuser; gives its rows (of one column at least)."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session", autouse=True)
def _nothing_secret_is_logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Search all that a run has logged, at its end, for all that it had to keep."""
    with secrecy.listening() as heard:
        yield
    found = {"what this process logged": secrecy.leaks("\n".join(heard))}
    for log in secrecy.logs_of_the_app(tmp_path_factory.getbasetemp()):
        found[str(log)] = secrecy.leaks(log.read_text(errors="replace"))
    assert [(place, lines) for place, lines in found.items() if lines] == []


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict]]]:
    """Give the lines that the app has logged meanwhile, as in production, each parsed."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setLevel(logging.INFO)
    handler.setFormatter(formatter("json", asked=asked))
    root.addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres.temporary(log_statements=True, settings={"max_connections": "200"}) as running:
        secrecy.keep(running.password)
        yield running


@pytest.fixture(scope="session")
def stage(server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A main site that runs on a database with its tables and ours, each part as its own role."""
    logs = tmp_path_factory.mktemp("logs")
    shared = roles.share(server.create_database("stage"), owner="stage_owner", app="stage_app")
    secret = secrets.token_urlsafe(32)
    secrecy.keep(secret, *shared.passwords.values())
    site_port, app_port = free_port(), free_port()
    site_url = f"http://localhost:{site_port}"
    app = App(app_port, shared.app_url, secret, site_url, owner_url=shared.owner_url)
    site = MainSite(site_port, shared.site_url, secret, app.url)
    site.migrate(logs / "main-site-migrate.log")
    shared.migrate(app, logs / "app-migrate.log")
    with site.start(logs / "main-site.log"):
        yield Stage(server, shared.url, shared, site, app, logs)


@pytest.fixture(scope="session")
def served_app(stage: Stage) -> Iterator[str]:
    """The app under gunicorn, as it is deployed; gives its address."""
    with stage.app.start(stage.logs / "app.log"):
        yield stage.app.url


@pytest.fixture(scope="session")
def settings(stage: Stage) -> Settings:
    return Settings.from_environ(stage.app.environment())


@pytest.fixture(scope="session")
def app(settings: Settings) -> Iterator[Flask]:
    made = create_app(settings)
    yield made
    made.extensions["onboarding"].database.engine.dispose()


@pytest.fixture(scope="session")
def sign_up(stage: Stage) -> Callable[..., Person]:
    """Sign a new person up on the main site, by HTTP, and give them with their session cookie."""

    def sign_up(name: str = "Ada Lovelace") -> Person:
        email = f"{secrets.token_hex(8)}@example.test"
        password = "correct horse battery"
        answer = httpx.post(
            f"{stage.site.url}/api/auth/sign-up/email",
            json={"name": name, "email": email, "password": password},
            headers={"Origin": stage.site.url},
        )
        assert answer.status_code == 200, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]
        body = answer.json()
        return Person(body["user"]["id"], name, email, password, cookie, body["token"])

    return sign_up


@pytest.fixture
def ada(stage: Stage, settings: Settings) -> Person:
    """Somebody new, quickly: the main site takes a fifth of a second to hash a password."""
    return newcomer(stage.database_url, settings.session_cookie)


@pytest.fixture
def real_ada(sign_up: Callable[..., Person]) -> Person:
    """Somebody who has really signed up, and can sign in again."""
    return sign_up()


@pytest.fixture
def visitor(app: Flask) -> Callable[..., Visitor]:
    """A browser window of a person, or of nobody, before the app in this process."""

    def visitor(person: Person | None = None, **headers: str) -> Visitor:
        return Visitor(app, person, headers)

    return visitor
