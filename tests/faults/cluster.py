"""What the fault tests run on: a PostgreSQL that may crash, the tables of a Better-Auth site, servers
of the app, and routes to the database on which things go wrong.
"""

import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import create_engine

from bench.tutorial import app as tutorial
from devstack import pgbouncer, postgres
from devstack.app import App
from devstack.pgbouncer import PgBouncer
from devstack.postgres import Postgres
from devstack.processes import Child, free_port
from onboarding import create_app
from onboarding.settings import Settings
from onboarding.web.csrf import CsrfTokens
from tests.faults.proxy import Proxy
from tests.questionnaires import all_answers, insert_profile
from tests.users import User, insert_user
from tests.web.conftest import TABLES

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Variant:
    """An app with a database of its own; `answers` are all that a user may give."""

    database: str
    entry: str
    answers: Sequence[Answers]


THIS_APP = Variant("onboarding", "wsgi:app", all_answers())
TUTORIAL = Variant(
    "tutorial",
    "bench.tutorial.app:app",
    [
        {"python_proficiency": proficiency, "developer_role": role}
        for proficiency in tutorial.PROFICIENCIES
        for role in tutorial.ROLES
    ],
)


class Result(NamedTuple):
    """What a measurement found: its figure in words, and a line for each limit that was missed."""

    figure: str
    misses: list[str]


@dataclass
class Cluster:
    """The running parts. Under `origin` every server is reached, as behind a proxy."""

    server: Postgres
    proxy: Proxy
    pooler: PgBouncer | None
    secret: str
    logs: Path
    origin: str
    children: list[Child] = field(default_factory=list)

    def url(self, route: str = "direct", app: Variant = THIS_APP) -> str:
        """Return the database's URL on the route "direct", "proxied" or "pooled"."""
        url = self.server.url(app.database)
        if route == "pooled":
            assert self.pooler, "this cluster has no pooler"
            return self.pooler.url(app.database)
        if route == "proxied":
            # The proxy can't read what is encrypted.
            return f"{url.replace(f':{self.server.port}/', f':{self.proxy.port}/')}?sslmode=disable"
        return url

    def app(self, route: str = "direct", app: Variant = THIS_APP, **more) -> App:
        """Return an app that can be started; `more` are fields of `App`."""
        more["settings"] = {"APP_URL": self.origin, **more.get("settings", {})}
        url = self.url(route, app)
        return App(free_port(), url, self.secret, "http://localhost:9", entry=app.entry, **more)

    def start(self, route: str = "direct", app: Variant = THIS_APP, **more) -> int:
        """Start one more server, with one worker unless `workers` says otherwise; return its port."""
        found = self.app(route, app, **more)
        self.children.append(found.start(self.logs / f"app-{found.port}.log"))
        return found.port

    def stop_servers(self) -> None:
        """Kill all servers: nobody waits for their answers any more."""
        while self.children:
            child = self.children.pop()
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def settings(self, route: str = "direct") -> Settings:
        return Settings.from_environ(self.app(route).environment())

    @cached_property
    def _csrf(self) -> CsrfTokens:
        return create_app(self.settings()).extensions["onboarding"].csrf

    def users(self, number: int, app: Variant = THIS_APP, **more) -> list[User]:
        """Sign users up by SQL; `more` goes to `insert_user`."""
        with psycopg.connect(self.server.url(app.database), autocommit=True) as connection:
            cookie = self.settings().session_cookie
            return [insert_user(connection, cookie, **more) for _ in range(number)]

    def headers(self, user: User) -> dict[str, str]:
        """Return the headers that this user's browser sends from a page of the app."""
        return {
            "Host": urlsplit(self.origin).netloc,
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "Cookie": user.cookie,
        }

    def form(self, user: User, answers: Answers) -> dict[str, str]:
        """Return the form that confirms these answers, as the review page has it."""
        return {"csrf_token": self._csrf.issue(user.token), **answers}

    def save_drafts(self, users: Sequence[User], app: Variant = THIS_APP) -> None:
        """Insert a draft for each of these users."""
        with psycopg.connect(self.server.url(app.database), autocommit=True) as connection:
            for user in users:
                insert_profile(connection, user.id, app.answers[0])

    def confirmed(self, app: Variant = THIS_APP) -> dict[str, Answers]:
        """Return the answers of all finished profiles by user."""
        with psycopg.connect(self.server.url(app.database), row_factory=dict_row) as connection:
            rows = connection.execute("SELECT * FROM user_profile WHERE is_onboarded").fetchall()
        return {row["user_id"]: {name: row[name] for name in app.answers[0]} for row in rows}

    def kill_backends(self) -> None:
        """Terminate every connection to both databases."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s)",
                [[THIS_APP.database, TUTORIAL.database]],
            )


@contextmanager
def start_cluster(*, pooler: bool = False) -> Iterator[Cluster]:
    """Start a cluster; with `pooler` a PgBouncer, which must be installed, is before the server."""
    with ExitStack() as stack:
        # A crash must not lose what was committed: that is the database's part of the promise.
        durable = {"synchronous_commit": "on", "max_connections": "200"}
        server = stack.enter_context(postgres.temporary(settings=durable))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        secret = secrets.token_urlsafe(32)
        with psycopg.connect(server.create_database(THIS_APP.database)) as connection:
            connection.execute(TABLES)
        server.create_database(TUTORIAL.database, template=THIS_APP.database)
        engine = create_engine(server.url(TUTORIAL.database).replace("://", "+psycopg://"))
        tutorial.UserProfile.metadata.create_all(engine)
        engine.dispose()
        proxy = stack.enter_context(Proxy(server.port))
        before = stack.enter_context(pgbouncer.temporary(server)) if pooler else None
        cluster = Cluster(server, proxy, before, secret, logs, f"http://localhost:{free_port()}")
        cluster.app().migrate(logs / "app-migrate.log")
        stack.callback(cluster.stop_servers)
        yield cluster
