"""Places to work in: a schema each, so that a test can bend tables that nobody else sees."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TypeVar
from urllib.parse import quote

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection

from devstack.postgres import Postgres
from devstack.processes import INHERITED, ROOT
from onboarding.config import DatabaseSettings
from onboarding.database import Database
from tests.preloaded import run_alembic

T = TypeVar("T")


class Places:
    """A database of its own, to be divided into places. Its connections are kept while it is."""

    def __init__(
        self, server: Postgres, url: str, owner: psycopg.Connection, kept: ExitStack
    ) -> None:
        self.server = server
        self.url = url
        self.owner = owner
        self.pool = cache(lambda engine_url: kept.enter_context(opened(engine_url)))

    def settle(self, schema: str, ddl: str = "") -> "Place":
        """Make a schema and what stands in it."""
        self.owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
        place = Place(self, schema)
        if ddl:
            place.sql(ddl)
        return place


@contextmanager
def divided(server: Postgres, name: str) -> Iterator[Places]:
    """Make a database for a module's places."""
    url = server.create_database(name)
    with psycopg.connect(url, autocommit=True) as owner, ExitStack() as kept:
        yield Places(server, url, owner, kept)


@dataclass(frozen=True)
class Place:
    """One schema of a database, the only one that its connections see."""

    places: Places
    schema: str

    def url(self, **settings: str) -> str:
        """Give the address for connections that start with these settings."""
        settings = {"search_path": self.schema, "timezone": "UTC", **settings}
        words = " ".join(f"-c {name}={value}" for name, value in settings.items())
        return f"{self.places.url}?options={quote(words)}"

    def engine_url(self, **settings: str) -> URL:
        return engine_url(self.url(**settings))

    def sql(self, query: str, *values: object) -> list[tuple]:
        """Run one statement as the owner, several when there are no values; gives the rows."""
        owner = self.places.owner
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema)))
        cursor = owner.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []

    def run(self, work: Callable[[Connection], T], **settings: str) -> T:
        """Do `work` as the app would."""
        database: Database = self.places.pool(self.engine_url(**settings))
        return database.run(work)

    def migrate(self, **environ: str) -> None:
        done = alembic(self.url(), "upgrade", "head", **environ)
        assert done.returncode == 0, done.stdout + done.stderr


def engine_url(url: str) -> URL:
    """Read an address the way the app does."""
    return DatabaseSettings.from_environ({"DATABASE_URL": url}).url


@contextmanager
def opened(url: URL, pool_size: int = 1, **budgets: float) -> Iterator[Database]:
    database = Database(url, pool_size, **budgets)
    try:
        yield database
    finally:
        database.engine.dispose()


def alembic(
    url: str | None, *command: str, dies_after: int | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run alembic with nothing of our own environment but the usual."""
    return run_alembic(command, _environment(url, environ), dies_after)


def alembic_afresh(
    url: str | None, *command: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run alembic exactly as operators do, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *command],
        cwd=ROOT,
        env=_environment(url, environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _environment(url: str | None, environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**inherited, **({} if url is None else {"DATABASE_URL": url}), **environ}
