"""A preset in operation: a real main site, the app, and a database schema for both."""

# ruff: noqa: S608 - names of tables can't be bound, and these are our own

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from psycopg import sql

from devstack.redis import Redis
from onboarding.settings import Settings
from tests.compat.browser import Browser, Page
from tests.compat.presets import Preset
from tests.schemas import Schema

PASSWORD = "correct horse battery"


# Whom the app and Better-Auth let in, in situations that differ from a plain session.
SITUATIONS = {
    "the secrets are rotated: a cookie of before": "out",
    "the secrets are rotated: after signing in again": "in",
    "the session has expired": "out",
    "the session was revoked": "out",
    "the cookie cache alone, without the session cookie": "out",
    "the session's row is deleted by hand, Redis still has it": "out here, in there",
    "Redis is emptied, the row is still there": "in",
    "Redis is emptied, rows are kept for good": "in here, out there",
    "banned by the endpoint": "out",
    "banned in the database alone": "out here, in there",
    "banned in the database until later": "out here, in there",
    "banned in the database until earlier": "in",
    "a guest": "out here, in there",
    "a bearer token without a cookie": "out here, in there",
    "the password alone, before the second factor": "out",
    "after the second factor": "in",
}


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
        if self.preset.has_large_users:
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

    def assert_situation(self, situation: str, browser: Browser) -> None:
        """Compare both verdicts with those that docs/compatibility.md shows."""
        assert self.verdict(browser) == SITUATIONS[situation], situation

    def assert_in_force(self, browser: Browser) -> None:
        """Assert that the site is as its preset says, for a user who has just signed up."""
        preset, jar = self.preset, browser.client.cookies.jar
        if preset.cookies:
            assert {cookie.name for cookie in jar} == set(preset.cookies)
        if "crossSubDomainCookies" in preset.section("advanced"):
            assert {cookie.domain for cookie in jar} == {".example.test"}
        if preset.has_large_users:
            # Too long for the usual limits of a header.
            pieces = [str(cookie.value) for cookie in jar if ".session_data." in cookie.name]
            assert sum(map(len, pieces)) > 8190
        schema = preset.search_path or preset.schema_name or self.schema.name
        for column, kind in preset.columns.items():
            table, _, name = column.partition(".")
            rows = self.schema.sql(
                "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attname = %s",
                f'"{schema}"."{table}"',
                name,
            )
            assert rows == [(kind,)], column
        if self.redis is not None:
            token = browser.session_token()
            assert self.redis.ask(f"EXISTS better-auth:{token}") == ":1"
            if "storeSessionInDatabase" in preset.section("session"):
                assert self.schema.sql("SELECT 1 FROM session WHERE token = %s", token) == [(1,)]
            else:
                assert self.schema.sql("SELECT to_regclass('session')") == [(None,)]

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
