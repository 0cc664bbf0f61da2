"""A healthy installation with the least rights, and copies of it that are broken in one way."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from socket import socket

import psycopg
import pytest

from devstack.main_site import MainSite
from devstack.roles import DatabaseRoles, create_roles, doctor_grants
from onboarding import doctor
from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor import settings
from onboarding.doctor.grants import Grants
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Check, Finding, Report
from tests import secret_scan
from tests.conftest import Environment
from tests.questionnaires import DEFAULT
from tests.users import User, create_user

DATABASE = "doctor"


@dataclass(frozen=True)
class HealthyInstallation:
    """The environment's main site, and a database of the same kind with roles of its own."""

    environment: Environment
    roles: DatabaseRoles
    grants: Grants
    """What `doctor --grants` printed before there were roles and a profile table."""
    closed_port: int
    copies: dict[str, str] = field(default_factory=dict)

    def app_url(self, database: str = DATABASE) -> str:
        """Return the address of a database for the app's role."""
        return replace(self.roles, url=self.environment.server.url(database)).app_url

    def environ(self, database: str = DATABASE, **changed: str) -> dict[str, str]:
        """Return the environment of the app; an empty value unsets a variable."""
        environ = self.environment.app_server.environment()
        return {**environ, "DATABASE_URL": self.app_url(database), **changed}

    def broken_copy(self, statements: str) -> str:
        """Return the name of a copy of the healthy database in which these statements have run."""
        if statements not in self.copies:
            name = f"doctor-{len(self.copies)}"
            url = self.environment.server.create_database(name, template=DATABASE)
            with psycopg.connect(url, autocommit=True) as superuser:
                superuser.execute(statements.replace("{copy}", f'"{name}"'))
            self.copies[statements] = name
        return self.copies[statements]

    @cached_property
    def cookie(self) -> SessionCookie:
        return SessionCookie("better-auth.session_token", self.environment.app_server.secret)

    @cached_property
    def fingerprint(self) -> str:
        """What the main site's secret has, which takes its time."""
        return settings.fingerprint(self.environment.app_server.secret)

    @cached_property
    def user(self) -> User:
        """A user who is signed in, in the healthy database and its copies."""
        return create_user(self.environment.server.url(DATABASE), self.cookie)

    @cached_property
    def user_of_main_site(self) -> User:
        """A user who is signed in on the running main site."""
        return create_user(self.environment.database_url, self.cookie)

    def normalize(self, text: str) -> str:
        """Replace what differs from run to run, or with the next migration."""
        ports = {"SITE": self.environment.main_site.port, "APP": self.environment.app_server.port}
        for name, port in ports.items():
            text = re.sub(rf"\b{port}\b", name, text)
        text = re.sub(r"\b[0-9a-f]{12}\b", "FINGERPRINT", text)
        text = re.sub(r"the database is at \w+", "the database is at HEAD", text)
        return re.sub(r"PostgreSQL [\d.]+ answers in \d+", "PostgreSQL N answers in N", text)

    @property
    def secrets(self) -> list[str]:
        """What no report may show."""
        users = (self.user, self.user_of_main_site)
        return [
            self.environment.app_server.secret,
            self.environment.server.password,
            *self.roles.passwords.values(),
            *(part for user in users for part in (user.token, user.email)),
            *(user.cookie.rpartition(".")[2] for user in users),
        ]


@pytest.fixture(scope="session")
def healthy(
    environment: Environment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HealthyInstallation]:
    logs = tmp_path_factory.mktemp("doctor")
    app = environment.app_server
    roles = create_roles(environment.server.create_database(DATABASE), site="doctor_site")
    secret_scan.register(*roles.passwords.values())
    site = MainSite(environment.main_site.port, roles.site_url, app.secret, app.url)
    site.migrate(logs / "main-site-migrate.log")
    grants = doctor_grants({"DATABASE_URL": roles.url})
    roles.migrate(replace(app, owner_url=roles.owner_url), logs / "app-migrate.log")
    with socket() as closed:
        # Bound, so that nobody else gets the port, and not listening.
        closed.bind(("127.0.0.1", 0))
        healthy = HealthyInstallation(environment, roles, grants, closed.getsockname()[1])
        assert healthy.user, "must exist before the database is copied"
        yield healthy


def examine(environ: Mapping[str, str], **given: object) -> Report:
    """Return the doctor's report on an environment."""
    with closing(Installation(environ, DEFAULT, **given)) as installation:
        return doctor.examine(installation)


def run_check(check: Check, environ: Mapping[str, str], **given: object) -> list[Finding]:
    """Return what one check finds in an environment."""
    with closing(Installation(environ, DEFAULT, **given)) as installation:
        return list(doctor.run(check, installation))
