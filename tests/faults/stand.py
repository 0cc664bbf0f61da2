"""What the fault tests run on: a PostgreSQL that may crash, the tables of a real Better-Auth site,
instances of the app under gunicorn, and ways to the database on which things go wrong.
"""

import argparse
import os
import secrets
import signal
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import create_engine

from bench.tutorial.app import UserProfile as TutorialProfile
from devstack import pgbouncer, postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.pgbouncer import PgBouncer
from devstack.postgres import Postgres
from devstack.processes import Child, free_port
from onboarding.betterauth.cookie import SessionCookie
from onboarding.config import Settings
from onboarding.profiles.questions import Answers
from onboarding.web.csrf import CsrfTokens
from tests.faults.proxy import Proxy
from tests.visitor import Person, sign_up_by_sql

OURS, TUTORIAL = "stage", "tutorial"
"""The databases: one with our table, and one with the tutorial app's."""

SERVED = {OURS: "wsgi:app", TUTORIAL: "bench.tutorial.app:app"}

Row = tuple[str, str, bool]


def options(*switches: str) -> argparse.ArgumentParser:
    """Give the command line of a figure: these switches, and `--tutorial` for the other database."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--tutorial", dest="database", action="store_const", const=TUTORIAL, default=OURS
    )
    for switch in switches:
        parser.add_argument(f"--{switch}", action="store_true")
    return parser


@dataclass
class Stand:
    """The running parts."""

    server: Postgres
    proxy: Proxy
    pooler: PgBouncer | None
    secret: str
    logs: Path
    origin: str
    _instances: list[Child] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def way(self, name: str, database: str = OURS) -> str:
        """Give the database's URL over a way: "direct", "proxied" or "pooled"."""
        url = self.server.url(database)
        if name == "pooled":
            assert self.pooler, "this stand has no pooler"
            return self.pooler.url(database)
        return url if name == "direct" else _at_port(url, self.proxy.port)

    def instance(
        self,
        way: str = "direct",
        database: str = OURS,
        *,
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> tuple[App, Child]:
        """Start one more instance; all of them are reached by the one origin, as behind a proxy."""
        app = App(
            free_port(),
            self.way(way, database),
            self.secret,
            "http://localhost:9",
            workers,
            {"APP_URL": self.origin, **(settings or {})},
            entry=SERVED[database],
        )
        child = app.start(self.logs / f"app-{next(self._numbers)}.log")
        self._instances.append(child)
        return app, child

    def stop_instances(self) -> None:
        """End all instances at once: nobody waits for their answers any more."""
        while self._instances:
            child = self._instances.pop()
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def settings(self, way: str = "direct") -> Settings:
        """Give the settings of an instance."""
        app = App(9, self.way(way), self.secret, "http://localhost:9")
        return Settings.from_environ({**app.environment(), "APP_URL": self.origin})

    @property
    def cookie(self) -> SessionCookie:
        """The session cookie of any instance."""
        cookie = self.settings().session_cookie
        assert isinstance(cookie, SessionCookie)
        return cookie

    def people(self, number: int, database: str = OURS) -> list[Person]:
        """Sign people up by SQL."""
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            return [sign_up_by_sql(connection, self.cookie) for _ in range(number)]

    def headers(self, person: Person) -> dict[str, str]:
        """Give a request's headers from this person's browser, on a page of ours."""
        return {
            "Host": urlsplit(self.origin).netloc,
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "Cookie": person.cookie,
        }

    def confirmation(self, person: Person, answers: Answers) -> dict[str, str]:
        """Give the form that confirms these answers, as the page makes it."""
        return {
            "csrf_token": CsrfTokens(self.secret).issue(person.token),
            **{name: answer.value for name, answer in answers.known().items()},
        }

    def draft(self, people: list[Person], answers: Answers, database: str = OURS) -> None:
        """Leave a draft with each of these people."""
        known = [answer.value for answer in answers.known().values()]
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            connection.cursor().executemany(
                "INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)"
                " VALUES (%s, %s, %s, false)",
                [(person.user_id, *known) for person in people],
            )

    def rows(self, database: str = OURS) -> dict[str, list[Row]]:
        """Give all rows of `user_profile` by user."""
        rows: dict[str, list[Row]] = {}
        with psycopg.connect(self.server.url(database)) as connection:
            for user_id, *row in connection.execute(
                "SELECT user_id, python_proficiency, developer_role, is_onboarded FROM user_profile"
            ):
                rows.setdefault(user_id, []).append((row[0], row[1], row[2]))
        return rows

    def kill_backends(self) -> int:
        """End every connection of the databases that is open; gives how many there were."""
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            found = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = ANY (%s)",
                [[OURS, TUTORIAL]],
            ).fetchone()
        return found[0] if found else 0


@contextmanager
def raised(*, pooler: bool = False) -> Iterator[Stand]:
    """Raise a stand; `pooler` with a PgBouncer before the server, which must be installed."""
    with ExitStack() as kept:
        # A crash must not lose what was committed: that is the database's part of the promise.
        durable = {"synchronous_commit": "on", "max_connections": "200"}
        server = kept.enter_context(postgres.temporary(settings=durable))
        logs = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        secret = secrets.token_urlsafe(32)
        site = MainSite(9, server.create_database(OURS), secret, "http://localhost:9")
        site.migrate(logs / "site-migrate.log")
        server.create_database(TUTORIAL, template=OURS)
        App(9, server.url(OURS), secret, "http://localhost:9").migrate(logs / "app-migrate.log")
        engine = create_engine(server.url(TUTORIAL).replace("://", "+psycopg://"))
        TutorialProfile.metadata.create_all(engine)
        engine.dispose()
        proxy = kept.enter_context(Proxy(server.port))
        found = kept.enter_context(pgbouncer.before(server)) if pooler else None
        origin = f"http://localhost:{free_port()}"
        stand = Stand(server, proxy, found, secret, logs, origin)
        kept.callback(stand.stop_instances)
        yield stand


def _at_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()
