"""A preset, playing: a real main site, our app before it, and a database place for the two."""

# ruff: noqa: S608 - names of tables can't be bound, and these are our own

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from psycopg import sql

from devstack.redis import Redis
from onboarding.config import Settings
from tests.compat.browser import Browser, Page
from tests.compat.sites import NEWEST
from tests.places import Place, opened

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Zones:
    """The time zones of one site: the database's own, that of the app's connections, and Node's."""

    database: str = "UTC"
    connection: str = "UTC"
    node: str = "UTC"


@dataclass(frozen=True)
class Preset:
    """One way to set a main site up, and which settings the app needs for it.

    `shows` proves, for somebody who has just signed up, that the preset is really in force.
    """

    name: str
    shows: Callable[["Scene", Browser], None]
    options: Mapping[str, Any] = field(default_factory=dict)
    """Better-Auth's options, as far as JSON can say them."""
    plugins: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    """The app's settings beyond those that it always needs."""
    secret_is_shared: bool = True
    versions: tuple[str, ...] = (NEWEST,)
    https: bool = False
    hosts: tuple[str, str] | None = None
    """The host names of site and app, where they aren't one."""
    drizzle: Mapping[str, Any] | None = None
    schema_name: str | None = None
    search_path: str | None = None
    """A schema for the main site's connections alone."""
    redis: bool = False
    zones: Zones = Zones()
    remember: bool = True
    gunicorn: bool = False
    """The app runs as it is deployed, instead of in this process."""

    @property
    def has_large_users(self) -> bool:
        """Where people sign up with a text of some thousand characters."""
        return "bio" in self.options.get("user", {}).get("additionalFields", {})


@dataclass(frozen=True)
class User:
    """Somebody who has signed up."""

    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Scene:
    """What runs. Addresses are as a browser sees them."""

    preset: Preset
    version: str
    place: Place
    site_url: str
    site_database_url: str
    settings: Settings
    transports: Mapping[str, httpx.BaseTransport]
    redis: Redis | None

    @property
    def app_origin(self) -> str:
        return self.settings.app_origin

    def browser(self, like: Browser | None = None) -> Browser:
        """Give a new browser, with the cookies of another if there is one."""
        return Browser(self.transports, like.jar if like else None)

    def show_in_app(self, setting: str) -> str:
        """Give a setting of PostgreSQL as it is in the app's connections."""
        with opened(self.settings.database.url) as database:
            return database.run(lambda c: c.exec_driver_sql(f"SHOW {setting}").scalar())

    def ask(self, browser: Browser, path: str, json: object = None) -> httpx.Response:
        """Call the main site's Better-Auth: GET, or POST where there is something to send."""
        method = "GET" if json is None else "POST"
        return browser.send(method, f"{self.site_url}/api/auth{path}", json=json)

    def sign_up(self, browser: Browser, name: str = "Ada Lovelace") -> User:
        email = f"{secrets.token_hex(8)}@example.test"
        body = {"name": name, "email": email, "password": PASSWORD} | (
            {"bio": "x" * 6000} if self.preset.has_large_users else {}
        )
        if not self.preset.remember:
            body["rememberMe"] = False
        answer = self.ask(browser, "/sign-up/email", body)
        assert answer.status_code == 200, answer.text
        return User(str(answer.json()["user"]["id"]), name, email)

    def sign_in(self, browser: Browser, user: User) -> httpx.Response:
        body = {"email": user.email, "password": PASSWORD, "rememberMe": self.preset.remember}
        return self.ask(browser, "/sign-in/email", body)

    def sign_out(self, browser: Browser) -> None:
        answer = self.ask(browser, "/sign-out", {})
        assert answer.status_code == 200, answer.text

    def visit(self, browser: Browser, path: str = "/profile") -> Page:
        """Go to a page of the app at top level."""
        return browser.visit(self.app_origin + path)

    def verdicts(self, browser: Browser) -> tuple[str, str]:
        """Ask the app and then Better-Auth itself who this is: "in" or "out"."""
        page = self.visit(browser)
        out = page.leads_away().startswith(self.settings.sign_in_url) or page.path == "/signed-out"
        assert out or page.response.status_code == 200, page.text
        answer = self.ask(browser, "/get-session?disableCookieCache=true")
        assert answer.status_code == 200, answer.text
        return "out" if out else "in", "in" if answer.json() else "out"

    def verdict(self, browser: Browser) -> str:
        """Give both verdicts in words."""
        here, there = self.verdicts(browser)
        return here if here == there else f"{here} here, {there} there"

    def rows(self, user: User) -> tuple[int, int]:
        """Count somebody's rows in the user table and in ours."""
        [(users,)] = self.place.sql(
            f"SELECT count(*) FROM {self.user_table} WHERE CAST(id AS text) = %s", user.id
        )
        [(profiles,)] = self.place.sql(
            "SELECT count(*) FROM user_profile WHERE CAST(user_id AS text) = %s", user.id
        )
        return users, profiles

    @property
    def user_table(self) -> str:
        """The user table's name in SQL."""
        tables = self.settings.database.tables
        return sql.Identifier(*filter(None, (tables.schema, tables.user))).as_string()

    def promote(self, user: User) -> None:
        """Make somebody an administrator, as the first one has to be made."""
        self.change(user, "role = 'admin'")

    def ban(self, user: User, ends_in: timedelta | None) -> None:
        """Ban somebody in the database, for good or until so long from now."""
        ends = "NULL" if ends_in is None else f"{self._now()} + interval '{ends_in}'"
        self.change(user, f"banned = true, {self._column('banExpires')} = {ends}")

    def expire(self, user: User, ago: timedelta) -> None:
        """Let somebody's sessions have expired so long ago."""
        column, owner = self._column("expiresAt"), self._column("userId")
        self.place.sql(
            f"UPDATE session SET {column} = {self._now()} - interval '{ago}'"
            f" WHERE CAST({owner} AS text) = %s",
            user.id,
        )

    def change(self, user: User, assignments: str) -> None:
        self.place.sql(
            f"UPDATE {self.user_table} SET {assignments} WHERE CAST(id AS text) = %s", user.id
        )

    def _column(self, field: str) -> str:
        snake_case = re.sub(r"([A-Z])", r"_\1", field).lower()
        return f'"{field if self.preset.drizzle is None else snake_case}"'

    def _now(self) -> str:
        """The present as the main site writes it: an instant, or UTC without saying so."""
        return "now()" if self.preset.drizzle is None else "timezone('utc', now())"
