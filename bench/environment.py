"""What every measured server shares: PostgreSQL with Better-Auth's tables and ours, and many users.

Ids and tokens follow from a number, so that the database can make millions of users and we know each.
"""

import base64
import hashlib
import hmac
import re
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from bench.usage import OTHER_CORE, on_core
from devstack import postgres
from devstack.app import App
from devstack.main_site import MainSite
from devstack.processes import ROOT, Child, free_port

ONBOARDED, NEWCOMER, DRAFT = "onboarded", "newcomer", "draft"
COOKIE = "better-auth.session_token"
PYTHON = ".venv/bin/python"
# Enough different users that no cache of one row helps.
USERS = 500
# As many as are confirmed in a round at most.
DRAFTS = 1500
TEMPLATE = "template_of_all"
BROWSER_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
}

_USERS = """
    INSERT INTO "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    SELECT md5({kind} || n), 'Ada Lovelace', md5({kind} || n) || '@example.test', true, now(), now()
    FROM generate_series(1, {count}) n
"""
_SESSIONS = """
    INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
    SELECT md5('session' || {kind} || n), md5('token' || {kind} || n), md5({kind} || n),
           now() + interval '7 days', now(), now()
    FROM generate_series(1, {count}) n
"""
_PROFILES = """
    INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)
    SELECT md5({kind} || n), 'Intermediate', 'Full Stack Developer', {is_onboarded}
    FROM generate_series(1, {count}) n
"""


@dataclass(frozen=True)
class Environment:
    """A running PostgreSQL, the main site's secret, and a folder for logs."""

    postgres: postgres.Postgres
    logs: Path
    secret: str = field(repr=False)

    def create_database(self, name: str) -> str:
        """Create a database with all tables, empty; return its URL."""
        return self.postgres.create_database(name, template=TEMPLATE)

    def execute(self, url: str, *statements: str, **values: object) -> None:
        """Run statements one by one as the superuser; `values` are literals by name."""
        literals = {name: sql.Literal(value) for name, value in values.items()}
        with psycopg.connect(url, autocommit=True) as connection:
            # Neither the foreign keys of new rows are checked, nor is an answer final.
            connection.execute("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(sql.SQL(statement).format(**literals))

    def add_users(self, url: str, kind: str, count: int) -> None:
        """Create so many users of a kind, each with a session and the profile of their kind."""
        tables = [_USERS, _SESSIONS] if kind == NEWCOMER else [_USERS, _SESSIONS, _PROFILES]
        self.execute(url, *tables, kind=kind, count=count, is_onboarded=kind == ONBOARDED)

    def reopen_drafts(self, url: str) -> None:
        """Make confirmed profiles of drafts drafts again."""
        update = (
            "UPDATE user_profile SET is_onboarded = false WHERE is_onboarded"
            " AND user_id IN (SELECT md5({kind} || n) FROM generate_series(1, {count}) n)"
        )
        self.execute(url, update, "VACUUM user_profile", kind=DRAFT, count=DRAFTS)

    def app_variables(self, url: str, port: int, workers: int = 1) -> dict[str, str]:
        """Return the app's settings as environment variables."""
        return App(port, url, self.secret, "http://localhost:1", workers=workers).environment()

    def log_statements(self) -> None:
        """Let PostgreSQL log every statement from now on."""
        statements = ("ALTER SYSTEM SET log_statement = 'all'", "SELECT pg_reload_conf()")
        self.execute(self.postgres.url(), *statements)
        time.sleep(0.5)

    def count_statements(self, work: Callable[[], object]) -> int:
        """Return the number of statements that some work runs, BEGIN and pings included."""
        size = self.postgres.log_size()
        work()
        return len(self.postgres.statements(after=size))

    def token(self, kind: str, number: int) -> str:
        """Return the session token of the n-th user of a kind."""
        return hashlib.md5(f"token{kind}{number}".encode(), usedforsecurity=False).hexdigest()

    def cookie_value(self, kind: str, number: int) -> str:
        """Return the session cookie's value of the n-th user of a kind."""
        token = self.token(kind, number)
        digest = hmac.digest(self.secret.encode(), token.encode(), hashlib.sha256)
        return f"{token}.{quote(base64.b64encode(digest).decode(), safe='')}"

    def request(
        self, port: int, path: str, user: tuple[str, int], form: Sequence[tuple[str, str]] = ()
    ) -> bytes:
        """Return a browser's request as a user, given by kind and number; a POST if it has a `form`."""
        host, body = f"localhost:{port}", urlencode(form)
        cookie = f"{COOKIE}={self.cookie_value(*user)}"
        headers = {"Host": host, **BROWSER_HEADERS, "Cookie": cookie}
        if form:
            headers |= {"Origin": f"http://{host}", "Content-Length": str(len(body))}
            headers |= {"Content-Type": "application/x-www-form-urlencoded"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{'POST' if form else 'GET'} {path} HTTP/1.1\r\n{head}\r\n{body}".encode()

    def requests(self, port: int, path: str, kind: str, count: int = USERS) -> list[bytes]:
        """Return the same request by many users of a kind."""
        return [self.request(port, path, (kind, number)) for number in range(1, count + 1)]


def parse_form(page: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Return the address of a page's form, and its fields with the last option of every choice."""
    form = re.search(
        r'<form\b[^>]*method="?post.*?</form>', page.decode(), re.DOTALL | re.IGNORECASE
    )
    if form is None:
        raise ValueError("the page has no form")
    fields: dict[str, str] = {}
    for tag in re.findall(r"<(?:input|select|option)\b[^>]*>", form[0]):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        name = attributes.get("name") or (list(fields)[-1] if "<option" in tag else None)
        if name:
            fields[name] = unescape(attributes.get("value", ""))
    action = re.search(r'\baction="([^"]*)"', form[0].partition(">")[0])
    return unescape(action[1]) if action else "", list(fields.items())


@contextmanager
def open_environment(*checkouts: Path) -> Iterator[Environment]:
    """Start PostgreSQL on the core that isn't the servers'; these checkouts, or this, make the tables."""
    settings = {
        "max_connections": "300",
        "shared_buffers": "1GB",
        # Both would start in the middle of a round.
        "autovacuum": "off",
        "checkpoint_timeout": "1h",
        "max_wal_size": "20GB",
        # The app's one SELECT is longer than the usual 1024 bytes.
        "track_activity_query_size": "8192",
    }
    with (
        on_core(OTHER_CORE),
        tempfile.TemporaryDirectory() as folder,
        postgres.temporary(settings=settings) as server,
    ):
        environment = Environment(server, Path(folder), secrets.token_urlsafe(32))
        url, log = server.create_database(TEMPLATE), environment.logs / "migrate.log"
        MainSite(free_port(), url, environment.secret, "http://localhost:1").migrate(log)
        for checkout in checkouts or [ROOT]:
            variables = environment.app_variables(url, free_port())
            command: list[str | Path] = [checkout / PYTHON, "-m", "alembic", "upgrade", "head"]
            Child("alembic", command, log=log, environment=variables, directory=checkout).finish()
        yield environment
