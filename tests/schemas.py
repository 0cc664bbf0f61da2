"""Scratch databases and schemas, in which a test can change tables that no other test sees."""

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
from onboarding.database import Database
from onboarding.settings import DatabaseSettings
from tests.alembic_runner import run_alembic

T = TypeVar("T")


class ScratchDatabase:
    """A database in which tests create schemas. Its connections stay open as long as it does."""

    def __init__(
        self, server: Postgres, url: str, owner: psycopg.Connection, stack: ExitStack
    ) -> None:
        self.server = server
        self.url = url
        self.owner = owner
        self.pool = cache(lambda engine_url: stack.enter_context(open_database(engine_url)))

    def create_schema(self, name: str, ddl: str = "") -> "Schema":
        """Create a schema and run `ddl` in it."""
        self.owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        schema = Schema(self, name)
        if ddl:
            schema.sql(ddl)
        return schema


@contextmanager
def create_scratch_database(server: Postgres, name: str) -> Iterator[ScratchDatabase]:
    """Create a database for the schemas of one module."""
    url = server.create_database(name)
    # A statement that is prepared in one schema doesn't fit the next.
    owner = psycopg.connect(url, autocommit=True, prepare_threshold=None)
    with owner, ExitStack() as stack:
        yield ScratchDatabase(server, url, owner, stack)


@dataclass(frozen=True)
class Schema:
    """One schema of a database, the only one that its connections see."""

    database: ScratchDatabase
    name: str

    def url(self, **settings: str) -> str:
        """Return the address for connections that start with these PostgreSQL settings."""
        settings = {"search_path": self.name, "timezone": "UTC", **settings}
        words = " ".join(f"-c {name}={value}" for name, value in settings.items())
        return f"{self.database.url}?options={quote(words)}"

    def engine_url(self, **settings: str) -> URL:
        return engine_url(self.url(**settings))

    @property
    def owner(self) -> psycopg.Connection:
        """The owner's connection, in this schema until another one asks for it."""
        owner = self.database.owner
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(self.name)))
        return owner

    def sql(self, query: str, *values: object) -> list[tuple]:
        """Run one statement as the owner, or several without values; return the rows."""
        cursor = self.owner.execute(query, values or None)
        return cursor.fetchall() if cursor.description else []

    def run(self, work: Callable[[Connection], T], **settings: str) -> T:
        """Run `work` through the app's `Database`."""
        database: Database = self.database.pool(self.engine_url(**settings))
        return database.read(work)

    def migrate(self, **environ: str) -> None:
        done = alembic(self.url(), "upgrade", "head", **environ)
        assert done.returncode == 0, done.stdout + done.stderr


def engine_url(url: str) -> URL:
    """Parse an address the way the app does."""
    return DatabaseSettings.from_environ({"DATABASE_URL": url}).database_url


@contextmanager
def open_database(url: URL, pool_size: int = 1, **budgets: float) -> Iterator[Database]:
    database = Database(url, pool_size, **budgets)
    try:
        yield database
    finally:
        database.engine.dispose()


def alembic(
    url: str | None, *command: str, dies_after: int | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run alembic with only the usual variables of this process's environment."""
    return run_alembic(command, _environment(url, environ), dies_after)


def alembic_in_new_process(
    url: str | None, *command: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run alembic as operators do, in a process of its own."""
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
