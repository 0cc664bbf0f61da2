"""The same database for everybody who is measured: Better-Auth's own tables, ours, and a crowd of people.

Their rows and cookies are those that better-auth 1.7.25 makes; ids and tokens follow from a number, so
that the database can make millions of them and we know each.
"""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from bench.usage import OTHERS_CORE, on_core
from devstack import postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.postgres import Postgres
from devstack.processes import free_port
from onboarding.betterauth.cookie import SessionCookie
from onboarding.web.csrf import CsrfTokens

EMPTY = "empty"
ONBOARDED, NEWCOMER, DRAFT = "onboarded", "newcomer", "draft"
# As many different people as ask in turn: enough that no cache of one row helps.
ASKED = 500

# What a browser sends with a click on a link, in less words.
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
}

_PEOPLE = """
    INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    SELECT md5({kind} || n), 'Ada Lovelace', md5({kind} || n) || '@example.test', true, now(), now()
    FROM generate_series(1, {count}) n
"""
_SESSIONS = """
    INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    SELECT md5('session' || {run} || {kind} || n), md5('token' || {run} || {kind} || n),
           md5({kind} || n), now() + {lasts}, now(), now()
    FROM generate_series(1, {count}) n
"""
_PROFILES = """
    INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)
    SELECT md5({kind} || n), 'Intermediate', 'Full Stack Developer', {is_onboarded}
    FROM generate_series(1, {count}) n
"""


@dataclass(frozen=True)
class Scene:
    """A running PostgreSQL, the secret of its main site, and where logs go."""

    server: Postgres
    logs: Path
    secret: str = field(repr=False)

    @property
    def cookie(self) -> SessionCookie:
        """The session cookie of a main site on plain http."""
        return SessionCookie("better-auth.session_token", self.secret)

    def create_database(self, name: str) -> str:
        """Make a database with Better-Auth's tables and ours, empty; gives its URL."""
        return self.server.create_database(name, template=EMPTY)

    def sql(self, url: str, *statements: str, **values: object) -> None:
        """Run statements one by one, as the superuser; `values` are literals by name."""
        literals = {name: sql.Literal(value) for name, value in values.items()}
        with psycopg.connect(url, autocommit=True) as connection:
            # The rows refer to each other as they should; to check each would double the time.
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(sql.SQL(statement).format(**literals))

    def people(self, url: str, kind: str, count: int) -> None:
        """Let so many people of a kind sign in for a week."""
        self.sql(url, _PEOPLE, kind=kind, count=count)
        self.sessions(url, kind, count)
        if kind != NEWCOMER:
            self.sql(url, _PROFILES, kind=kind, count=count, is_onboarded=kind == ONBOARDED)

    def sessions(
        self, url: str, kind: str, count: int, run: int = 0, lasts: str = "7 days"
    ) -> None:
        """Make one session more for each of so many people; `run` tells it from their others."""
        interval = f"CAST('{lasts}' AS interval)"
        self.sql(url, _SESSIONS.replace("{lasts}", interval), kind=kind, count=count, run=str(run))

    def settle(self, url: str) -> None:
        """Bring the database's statistics and visibility maps up to date."""
        self.sql(url, "VACUUM (ANALYZE)")

    def version(self) -> str:
        """PostgreSQL's version, like 18.6."""
        with psycopg.connect(self.server.url()) as connection:
            return connection.info.parameter_status("server_version") or "?"

    def token(self, kind: str, number: int) -> str:
        """The session token of the n-th of a kind."""
        return hashlib.md5(f"token0{kind}{number}".encode(), usedforsecurity=False).hexdigest()

    def cookie_of(self, kind: str, number: int) -> str:
        """The Cookie header of the n-th of a kind."""
        token = self.token(kind, number)
        return f"{self.cookie.name}={token}.{quote(self.cookie.sign(token), safe='')}"

    def csrf_of(self, kind: str, number: int) -> str:
        """The form token that a page of ours would give the n-th of a kind."""
        return CsrfTokens(self.secret).issue(self.token(kind, number))

    def asks(self, port: int, path: str, kind: str = ONBOARDED) -> list[bytes]:
        """The same request by many people of a kind, in turn."""
        people = range(1, ASKED + 1)
        return [request(port, path, self.cookie_of(kind, number)) for number in people]


@contextmanager
def opened(logs: Path, **settings: str) -> Iterator[Scene]:
    """Start PostgreSQL on the core that isn't the servers', with the tables in a template database."""
    with (
        on_core(OTHERS_CORE),
        postgres.temporary(
            settings={
                "max_connections": "300",
                "shared_buffers": "1GB",
                # Both would come when they like, in the middle of what is measured.
                "autovacuum": "off",
                "checkpoint_timeout": "1h",
                "max_wal_size": "20GB",
                # The statement of a look-up is longer than the usual 1024 bytes.
                "track_activity_query_size": "8192",
                **settings,
            }
        ) as server,
    ):
        scene = Scene(server, logs, secrets.token_urlsafe(32))
        url = server.create_database(EMPTY)
        site = MainSite(free_port(), url, scene.secret, "http://localhost:1")
        site.migrate(logs / "site-migrate.log")
        app(scene, url).migrate(logs / "app-migrate.log")
        yield scene


def app(scene: Scene, url: str, workers: int = 1) -> App:
    """The app as it is deployed, before this database."""
    return App(free_port(), url, scene.secret, f"http://localhost:{free_port()}", workers=workers)


def request(
    port: int,
    path: str,
    cookie: str = "",
    *,
    form: str | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """A browser's request, as the bytes that it sends; with `form`, a POST of it."""
    host = f"localhost:{port}"
    lines = {"Host": host, **BROWSER, **(headers or {})}
    if cookie:
        lines["Cookie"] = cookie
    if form is not None:
        lines |= {
            "Origin": f"http://{host}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(form)),
        }
    method = "GET" if form is None else "POST"
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n{form or ''}".encode()
