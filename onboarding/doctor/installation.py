"""What the doctor examines: one environment, and the database and main site that it names.

Everything is looked up at the first need. What isn't there raises `Missing`, so a check that needs
it is skipped with the reason, and no check has to ask what came before it.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from onboarding.betterauth.cookie import SessionCookie
from onboarding.betterauth.schema import (
    Layout,
    SchemaMisfit,
    Table,
    find_session_table,
    find_user_table,
)
from onboarding.config import DatabaseSettings, Settings, SettingsFault
from onboarding.database import Database, SchemaChanged, Unavailable

T = TypeVar("T")


class Missing(Exception):
    """Something that a check needs isn't there; says what, in a few words."""


class Installation:
    """An installation as its environment describes it. Close it after use."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        cookie: str | None = None,
        fingerprint: str | None = None,
        asks_main_site: bool = False,
    ) -> None:
        """`cookie` and `fingerprint` are what the operator brought along to compare.

        `asks_main_site`: something that our secret signed may be sent to the main site.
        """
        self.environ = environ
        self.cookie = cookie
        self.fingerprint = fingerprint
        self.asks_main_site = asks_main_site
        self._database: Database | None = None
        self._is_down = False

    @cached_property
    def settings_faults(self) -> list[str]:
        """Every fault of the settings, a line each."""
        try:
            Settings.from_environ(self.environ)
        except SettingsFault as fault:
            return fault.faults
        return []

    @cached_property
    def settings(self) -> Settings:
        """All settings. Raises `Missing` when one of them is faulty."""
        try:
            return Settings.from_environ(self.environ)
        except SettingsFault:
            raise Missing("a setting is faulty") from None

    @cached_property
    def database_settings(self) -> DatabaseSettings:
        """The database's settings, which may be good when others aren't."""
        try:
            return DatabaseSettings.from_environ(self.environ)
        except SettingsFault:
            raise Missing("a setting of the database is faulty") from None

    @property
    def by_http(self) -> bool:
        """Whether the main site is asked who a visitor is; else its tables are, and its secret."""
        return self.environ.get("SESSION_SOURCE", "").strip() == "http"

    @property
    def signer(self) -> SessionCookie:
        """What verifies session cookies here. Raises `Missing` when only the main site can."""
        cookie = self.settings.session_cookie
        verifier = cookie if isinstance(cookie, SessionCookie) else cookie.verifier
        if verifier is None:
            raise Missing("no secret is given, and with SESSION_SOURCE=http none is needed")
        return verifier

    def ask(self, work: Callable[[Connection], T]) -> T:
        """Do `work` with the app's own kind of connection, in one attempt: see `Database.once`.

        Raises `Missing` once the database hasn't answered, so that only the first check waits.
        """
        if self._is_down:
            raise Missing("the database does not answer")
        if self._database is None:
            self._database = Database(self.database_settings.url, pool_size=1)
        try:
            return self._database.once(work)
        except SchemaChanged:
            raise
        except Unavailable:
            self._is_down = True
            raise

    @cached_property
    def user(self) -> Table:
        """The main site's user table."""
        return self._found(find_user_table, "the user table can't be read")

    @cached_property
    def session(self) -> Table:
        """The main site's session table, where it is what tells who a visitor is."""
        if self.by_http:
            raise Missing("not needed: SESSION_SOURCE is http")
        return self._found(find_session_table, "the session table can't be read")

    @property
    def layout(self) -> Layout:
        """Both of the main site's tables."""
        return Layout(self.user, self.session)

    def close(self) -> None:
        """End the database connection."""
        if self._database is not None:
            self._database.engine.dispose()

    def _found(self, find: Callable[..., Table], reason: str) -> Table:
        try:
            return self.ask(lambda connection: find(connection, self.database_settings.tables))
        except (SchemaMisfit, SchemaChanged):
            raise Missing(reason) from None
