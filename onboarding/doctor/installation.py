"""What the doctor examines: an environment, and the database and main site that it names.

Everything is looked up at the first need. What isn't there raises `Missing`, so a check that needs it
is skipped with the reason, and no check depends on the order of the others.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

import httpx
from sqlalchemy import Connection

from onboarding.betterauth.cookie import SessionCookie
from onboarding.betterauth.schema import (
    Layout,
    SchemaError,
    Table,
    TableNames,
    find_session_table,
    find_user_table,
)
from onboarding.database import Database, SchemaMismatch, Unavailable
from onboarding.doctor.better_auth import BetterAuth
from onboarding.questions import Questionnaire
from onboarding.settings import DatabaseSettings, Settings, SettingsError

T = TypeVar("T")

# As in migrations/env.py.
VERSION_TABLE = "onboarding_alembic_version"


class Missing(Exception):
    """Something that a check needs isn't there. The message says what."""


class Installation:
    """An installation as its environment describes it. Close it after use."""

    def __init__(
        self,
        environ: Mapping[str, str],
        questionnaire: Questionnaire,
        *,
        cookie: str | None = None,
        fingerprint: str | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`cookie` and `fingerprint` are what the operator gave to compare.

        `transport` is another way to the main site than by its URL.
        """
        self.environ = environ
        self.questionnaire = questionnaire
        self.cookie = cookie
        self.fingerprint = fingerprint
        self._transport = transport
        self._database: Database | None = None
        self._is_down = False

    @cached_property
    def _settings(self) -> Settings | list[str]:
        try:
            return Settings.from_environ(self.environ)
        except SettingsError as error:
            return error.errors

    @property
    def settings_errors(self) -> list[str]:
        """Every error of the settings, a line each."""
        return [] if isinstance(self._settings, Settings) else self._settings

    @property
    def settings(self) -> Settings:
        """All settings. Raise `Missing` if one of them is faulty."""
        if isinstance(self._settings, Settings):
            return self._settings
        raise Missing("a setting is missing or malformed")

    @cached_property
    def database_settings(self) -> DatabaseSettings:
        """The settings of the database, which may be right when others aren't. Raise `Missing`."""
        try:
            return DatabaseSettings.from_environ(self.environ)
        except SettingsError:
            raise Missing("a setting of the database is missing or malformed") from None

    @property
    def uses_http(self) -> bool:
        """Whether the app asks the main site who a visitor is, instead of reading its tables."""
        return self.environ.get("SESSION_SOURCE", "").strip() == "http"

    @property
    def uses_neon_auth(self) -> bool:
        """Whether Neon hosts the main site's Better-Auth, by its names or its package's variables."""
        names = {"BETTER_AUTH_SCHEMA": "neon_auth", "BETTER_AUTH_COOKIE_PREFIX": "neon-auth"}
        return any(
            value and (name.startswith("NEON_AUTH_") or value.strip() == names.get(name))
            for name, value in self.environ.items()
        )

    @cached_property
    def better_auth(self) -> BetterAuth:
        """The main site, to ask over HTTP. Raise `Missing` if a setting is faulty."""
        return BetterAuth(self.settings, self._transport)

    @property
    def verifier(self) -> SessionCookie:
        """What verifies session cookies in the app. Raise `Missing` if only the main site can."""
        cookie = self.settings.session_cookie
        verifier = cookie if isinstance(cookie, SessionCookie) else cookie.verifier
        if verifier is None:
            raise Missing("no secret is set, and SESSION_SOURCE=http needs none")
        return verifier

    def query(self, work: Callable[[Connection], T]) -> T:
        """Return the result of `work` with a connection like the app's, in one attempt.

        Raise as `Database.once` does, and `Missing` once the database hasn't answered, so that only
        the first check waits for it.
        """
        if self._is_down:
            raise Missing("the database does not answer")
        if self._database is None:
            self._database = Database(self.database_settings.database_url, pool_size=1)
        try:
            return self._database.once(work)
        except SchemaMismatch:
            raise
        except Unavailable:
            self._is_down = True
            raise

    @cached_property
    def user(self) -> Table:
        """The main site's user table. Raise `Missing`."""
        return self._table(find_user_table, "the user table can't be read")

    @cached_property
    def session(self) -> Table:
        """The main site's session table. Raise `Missing`, also if the app doesn't use it."""
        if self.uses_http:
            raise Missing("not needed: SESSION_SOURCE is http")
        return self._table(find_session_table, "the session table can't be read")

    @property
    def layout(self) -> Layout:
        """Both of the main site's tables. Raise `Missing`."""
        return Layout(self.user, self.session)

    @property
    def tables_read(self) -> list[Table]:
        """The tables of the main site whose rows the app reads. Raise `Missing`."""
        return [] if self.uses_http else list(self.layout)

    def close(self) -> None:
        """Close the database connection."""
        if self._database is not None:
            self._database.engine.dispose()

    def _table(self, find: Callable[[Connection, TableNames], Table], reason: str) -> Table:
        names = self.database_settings.tables
        try:
            return self.query(lambda connection: find(connection, names))
        except (SchemaError, SchemaMismatch):
            raise Missing(reason) from None
