"""A preset in operation: a real main site, the app, and a database schema for both."""

# ruff: noqa: S608 - names of tables can't be bound, and these are our own

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
from psycopg import sql

from devstack.redis import Redis
from onboarding.settings import Settings
from tests.compat.browser import Browser, Page
from tests.compat.sites import NEWEST
from tests.schemas import Schema

PASSWORD = "correct horse battery"


class Zones(NamedTuple):
    """The time zones of one site: the database's own, that of the app's connections, and Node's."""

    database: str = "UTC"
    connection: str = "UTC"
    node: str = "UTC"


UTC = Zones()


@dataclass(frozen=True)
class Preset:
    """One way to configure a main site, and the settings that the app needs for it."""

    name: str
    check: Callable[["Deployment", Browser], None]
    """Proves, for a user who has just signed up, that the preset is in force."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Better-Auth's options, as far as JSON can express them."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The app's settings beyond the required ones."""
    plugins: Mapping[str, Any] = field(default_factory=dict)
    versions: tuple[str, ...] = (NEWEST,)
    result: str = "works"
    secret_is_shared: bool = True
    https: bool = False
    hosts: tuple[str, str] = ("localhost", "localhost")
    """The host names of site and app."""
    drizzle: Mapping[str, Any] | None = None
    """The options of the Drizzle adapter, if the site uses it."""
    neon: Mapping[str, Any] | None = None
    """The cookie options of Neon Auth's package, if it stands between browsers and Better-Auth."""
    schema_name: str | None = None
    search_path: str | None = None
    """A schema for the main site's connections alone."""
    redis: bool = False
    zones: Zones = UTC
    remember: bool = True
    gunicorn: bool = False
    """The app runs as it is deployed, instead of in this process."""


@dataclass(frozen=True)
class User:
    """A user of the main site."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Deployment:
    """A preset's main site and the app, both running. URLs are as a browser sees them."""

    preset: Preset
    version: str
    schema: Schema
    site_url: str
    environ: Mapping[str, str]
    """The app's variables, from which `settings` are."""
    settings: Settings
    site: httpx.BaseTransport
    app: httpx.BaseTransport
    redis: Redis | None

    def browser(self) -> Browser:
        return Browser(self.site, self.settings.app_origin, self.app)

    def request(self, browser: Browser, path: str, json: object = None) -> httpx.Response:
        """Call the main site's Better-Auth: GET, or POST with a body. It must answer 200."""
        method = "GET" if json is None else "POST"
        response = browser.send(method, f"{self.site_url}/api/auth{path}", json=json)
        assert response.status_code == 200, response.text
        return response

    def sign_up(self, browser: Browser, name: str = "Ada Lovelace") -> User:
        email = f"{secrets.token_hex(8)}@example.test"
        body = {"name": name, "email": email, "password": PASSWORD} | self._remember()
        if "bio" in self.preset.options.get("user", {}).get("additionalFields", {}):
            body["bio"] = "x" * 6000
        response = self.request(browser, "/sign-up/email", body)
        return User(str(response.json()["user"]["id"]), name, email)

    def sign_in(self, browser: Browser, user: User) -> httpx.Response:
        body = {"email": user.email, "password": PASSWORD} | self._remember()
        return self.request(browser, "/sign-in/email", body)

    def _remember(self) -> dict[str, Any]:
        return {} if self.preset.remember else {"rememberMe": False}

    def visit(self, browser: Browser, path: str = "/profile") -> Page:
        """Go to a page of the app at top level."""
        return browser.visit(self.settings.app_origin + path)

    def verdict(self, browser: Browser) -> str:
        """Return whether the app and Better-Auth let this browser in: "in", "out" or both words."""
        page = self.visit(browser)
        out = page.leads_away().startswith(self.settings.sign_in_url) or page.path == "/signed-out"
        assert out or page.response.status_code == 200, page.text
        session = self.request(browser, "/get-session?disableCookieCache=true").json()
        here, there = ("out" if out else "in"), ("in" if session else "out")
        return here if here == there else f"{here} here, {there} there"

    def rows(self, user: User) -> tuple[int, int]:
        """Count the user's rows in the user table and in `user_profile`."""
        [counts] = self.schema.sql(
            f"SELECT (SELECT count(*) FROM {self.user_table} WHERE CAST(id AS text) = %s),"
            " (SELECT count(*) FROM user_profile WHERE CAST(user_id AS text) = %s)",
            user.id,
            user.id,
        )
        return counts

    @property
    def user_table(self) -> str:
        """The user table's name in SQL."""
        tables = self.settings.tables
        return sql.Identifier(*filter(None, (tables.schema, tables.user))).as_string()

    def ban(self, user: User, ends_in: timedelta | None) -> None:
        """Ban a user in the database, for good or until so long from now."""
        ends = "NULL" if ends_in is None else f"{self._now} + interval '{ends_in}'"
        self.change(user, f"banned = true, {self.column('banExpires')} = {ends}")

    def expire(self, user: User, ago: timedelta) -> None:
        """Make a user's sessions end so long ago."""
        self.change_session(user, f"{self.column('expiresAt')} = {self._now} - interval '{ago}'")

    def change(self, user: User, assignments: str) -> None:
        self.schema.sql(
            f"UPDATE {self.user_table} SET {assignments} WHERE CAST(id AS text) = %s", user.id
        )

    def change_session(self, user: User, assignments: str) -> None:
        owner = self.column("userId")
        self.schema.sql(
            f"UPDATE session SET {assignments} WHERE CAST({owner} AS text) = %s", user.id
        )

    def column(self, field: str) -> str:
        """Return a column's name in SQL."""
        snake_case = re.sub(r"([A-Z])", r"_\1", field).lower()
        return f'"{field if self.preset.drizzle is None else snake_case}"'

    @property
    def _now(self) -> str:
        """The present as the main site writes it: an instant, or UTC without a time zone."""
        return "now()" if self.preset.drizzle is None else "timezone('utc', now())"
