"""The three roles of a shared database: the main site's, the one that migrates, the app's."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from devstack.app import App
from onboarding.doctor.grants import Grants, grants
from onboarding.doctor.installation import Installation
from onboarding.questions import load_questionnaire

SITE, OWNER, APP = "main_site", "onboarding_owner", "onboarding_app"


@dataclass(frozen=True)
class DatabaseRoles:
    """A database and its roles, by `share`."""

    url: str
    """The address as a superuser."""
    site: str
    owner: str
    app: str
    passwords: Mapping[str, str]

    @property
    def site_url(self) -> str:
        """The address for the main site, which owns the database and Better-Auth's tables."""
        return self._as(self.site)

    @property
    def owner_url(self) -> str:
        """The address for `alembic upgrade head`, which owns our table."""
        return self._as(self.owner)

    @property
    def app_url(self) -> str:
        """The address for the running app, which has what `flask doctor --grants` gives it."""
        return self._as(self.app)

    def migrate(self, app: App, log: Path) -> None:
        """Follow `flask doctor --grants`: roles, our migrations, rights. The main site's tables stand."""
        environ = {**app.environment(), "DATABASE_URL": self.url}
        grants = doctor_grants(environ, self.owner, self.app)
        with psycopg.connect(self.url, autocommit=True) as superuser:
            superuser.execute(grants.before.encode())
            for role in (self.owner, self.app):
                set_password(superuser, role, self.passwords[role])
        app.migrate(log)
        with psycopg.connect(self.owner_url, autocommit=True) as owner:
            owner.execute(grants.after.encode())

    def _as(self, role: str) -> str:
        return as_role(self.url, role, self.passwords[role])


def create_roles(
    url: str, *, site: str = SITE, owner: str = OWNER, app: str = APP
) -> DatabaseRoles:
    """Share a database, given by its address as a superuser, between these roles.

    It and the tables that a superuser made in it go to the main site's role. Each call gives the
    roles new passwords.
    """
    passwords = {role: secrets.token_urlsafe(24) for role in (site, owner, app)}
    with psycopg.connect(url, autocommit=True) as superuser:
        known = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [site]).fetchone()
        if known is None:
            superuser.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(site)))
        set_password(superuser, site, passwords[site])
        _hand_over(superuser, site)
    return DatabaseRoles(url, site, owner, app, passwords)


def doctor_grants(environ: Mapping[str, str], owner: str = OWNER, app: str = APP) -> Grants:
    """Return what `flask doctor --grants` prints."""
    installation = Installation(environ, load_questionnaire())
    try:
        return grants(installation, owner, app)
    finally:
        installation.close()


def as_role(url: str, role: str, password: str) -> str:
    """Return the address for another role."""
    # Not by SQLAlchemy, whose "+" for a space PostgreSQL takes for a plus.
    return re.sub(r"//[^@]*@", f"//{quote(role, safe='')}:{quote(password, safe='')}@", url)


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Set a role's password; the server, and its log, see only the SCRAM verifier."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    )
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), verifier.decode())
    )


def _hand_over(superuser: psycopg.Connection, site: str) -> None:
    """Let the main site own what a superuser has made for it; what is ours goes by `--grants`."""
    superuser.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
            sql.Identifier(superuser.info.dbname), sql.Identifier(site)
        )
    )
    tables = superuser.execute("""
        SELECT CAST(oid AS regclass)::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
          AND relowner = current_user::regrole
          AND relname NOT IN ('user_profile', 'onboarding_alembic_version')
    """).fetchall()
    for (table,) in tables:
        # As PostgreSQL quoted it.
        superuser.execute(
            sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.SQL(table), sql.Identifier(site))
        )
