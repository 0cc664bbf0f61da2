"""A healthy installation with the least rights, to be spoilt copy by copy."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from socket import socket
from zlib import crc32

import psycopg
import pytest
from psycopg import sql

from devstack import roles
from devstack.main_site import MainSite
from devstack.processes import free_port
from devstack.roles import APP, OWNER, as_role
from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor import examine
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Report
from onboarding.doctor.secret import fingerprint
from tests.conftest import Stage
from tests.places import alembic
from tests.visitor import Person, newcomer

HEALTHY = "doctor"


@dataclass(frozen=True)
class Clinic:
    """The stage's main site, and a database of the same kind whose app has a role of its own."""

    stage: Stage
    passwords: Mapping[str, str]
    nowhere: int
    """A port on which nobody answers."""
    told: str
    """What `--grants` said of the database, before there were roles and a table of ours."""

    def url(self, role: str, database: str = HEALTHY) -> str:
        """Give the address of a database for a role."""
        return as_role(self.stage.server.url(database), role, self.passwords[role])

    def environ(self, database: str = HEALTHY, **changed: str) -> dict[str, str]:
        """Give the environment of the app; an empty value takes a variable away."""
        return {**self.stage.app.environment(), "DATABASE_URL": self.url(APP, database), **changed}

    def superuser(self, statement: sql.Composed, database: str = HEALTHY) -> None:
        """Run statements as nobody else may."""
        with psycopg.connect(self.stage.server.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def spoilt(self, spoil: str) -> str:
        """Give the name of a copy of the healthy database in which these statements were run."""
        name = f"doctor-{crc32(spoil.encode()):x}"
        if name not in self.copies:
            self.copies.add(name)
            url = self.stage.server.create_database(name, template=HEALTHY)
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute(spoil)
        return name

    @cached_property
    def copies(self) -> set[str]:
        return set()

    @cached_property
    def cookie(self) -> SessionCookie:
        return SessionCookie("better-auth.session_token", self.stage.app.secret)

    @cached_property
    def ada(self) -> Person:
        """Somebody who is signed in, in the healthy database and its copies."""
        return newcomer(self.stage.server.url(HEALTHY), self.cookie)

    @cached_property
    def bob(self) -> Person:
        """Somebody who is signed in on the main site that runs."""
        return newcomer(self.stage.database_url, self.cookie)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.stage.app.secret)

    def steady(self, said: str) -> str:
        """Replace what differs from run to run."""
        for port, name in (
            (self.stage.site.port, "SITE"),
            (self.stage.app.port, "APP"),
            (self.stage.server.port, "DATABASE"),
            (self.nowhere, "NOWHERE"),
        ):
            said = re.sub(rf"\b{port}\b", name, said)
        said = re.sub(r"\b[0-9a-f]{12}\b", "FINGERPRINT", said)
        said = re.sub(r"PostgreSQL [\d.]+", "PostgreSQL N", said)
        return re.sub(r"in \d+ ms", "in N ms", said)

    def hidden(self) -> list[str]:
        """Give what nobody may ever be told."""
        people = (self.ada, self.bob)
        return [
            self.stage.app.secret,
            self.stage.server.password,
            *self.passwords.values(),
            *(part for person in people for part in (person.token, person.email)),
            *(person.cookie.rpartition(".")[2] for person in people),
        ]


@pytest.fixture(scope="session")
def clinic(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    logs = tmp_path_factory.mktemp("clinic")
    url = stage.server.create_database(HEALTHY)
    MainSite(stage.site.port, url, stage.app.secret, stage.app.url).migrate(logs / "migrate.log")
    passwords = {role: f"pass-phrase-{secrets.token_hex(8)}" for role in (OWNER, APP)}
    with socket() as taken:
        # Bound, so that nobody else gets it; without listening.
        taken.bind(("127.0.0.1", free_port()))
        clinic = Clinic(stage, passwords, taken.getsockname()[1], told_grants(url))
        follow(clinic.told, url, passwords)
        # In the copies, too.
        assert clinic.ada.token
        yield clinic


def follow(told: str, url: str, passwords: Mapping[str, str], **environ: str) -> None:
    """Do what `flask doctor --grants` says, step by step: roles, migration, rights.

    `passwords` are those of the owner and of the app.
    """
    owner, *_ = passwords
    before, mark, after = told.partition("-- Run alembic upgrade head")
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(before)
        for role, password in passwords.items():
            superuser.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), password)
            )
    owners = as_role(url, owner, passwords[owner])
    done = alembic(owners, "upgrade", "head", **environ)
    assert done.returncode == 0, done.stderr
    with psycopg.connect(owners, autocommit=True) as connection:
        connection.execute(mark + after)


def told_grants(url: str, owner: str = OWNER, app: str = APP, **environ: str) -> str:
    return roles.told_grants({"DATABASE_URL": url, **environ}, owner, app)


def examined(environ: Mapping[str, str], **brought: object) -> Report:
    """Let the doctor examine an environment."""
    installation = Installation(environ, **brought)
    try:
        return examine(installation)
    finally:
        installation.close()
