"""A site for each questionnaire, with users in every state."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from onboarding import create_app
from onboarding.questions import Questionnaire
from onboarding.settings import Settings
from onboarding.web.csrf import CsrfTokens
from tests.betterauth.layouts import Layout
from tests.browser import Browser, page
from tests.questionnaires import (
    ALL,
    create_profile_table,
    insert_profile,
    profile_row,
    some_answers,
)
from tests.schemas import engine_url
from tests.users import User, insert_user

# What better-auth 1.7.25 writes beside the columns that we read.
UNREAD_COLUMNS = """
    ALTER TABLE "user" ADD COLUMN "emailVerified" boolean;
    ALTER TABLE session ADD COLUMN "updatedAt" timestamptz;
"""
TABLES = Layout(plugins=True).ddl() + UNREAD_COLUMNS

# Why the main site may take somebody for signed in who isn't here; None where it can't.
REASONS = {
    "signed out": None,
    "forged": "unverified",
    "expired": "session-ended",
    "revoked": "session-ended",
    "banned": "banned",
    "anonymous": "anonymous",
}
STATES = (*REASONS, "no row", "draft", "onboarded", "impersonated")
FRAMED = {"Sec-Fetch-Dest": "iframe"}


@dataclass(frozen=True)
class Site:
    """An app with a questionnaire, on a database of its own."""

    app: Flask
    settings: Settings
    questionnaire: Questionnaire
    url: str
    """The database, as a superuser."""
    connection: psycopg.Connection

    @property
    def question_urls(self) -> list[str]:
        return [f"/onboarding/{question.slug}" for question in self.questionnaire]

    def last_form(self) -> tuple[str, dict[str, str]]:
        """Return the last question's URL with the answers before it, and its form."""
        answers = some_answers(self.questionnaire)
        form = {self.questionnaire.names[-1]: answers.pop(self.questionnaire.names[-1])}
        return f"{self.question_urls[-1]}?{urlencode(answers)}", form

    def user(self, state: str = "no row") -> User:
        """Create a user in one of the `STATES`; nobody is signed in as one who is signed out."""
        cookie = self.settings.session_cookie
        user = insert_user(
            self.connection,
            cookie,
            user={"banned": state == "banned", "isAnonymous": state == "anonymous"},
            session={"impersonatedBy": "an admin" if state == "impersonated" else None},
            lifetime=timedelta(seconds=-1) if state == "expired" else timedelta(days=7),
        )
        if state in ("draft", "onboarded"):
            answers = some_answers(self.questionnaire)
            insert_profile(self.connection, user.id, answers, is_onboarded=state == "onboarded")
        if state == "revoked":
            self.connection.execute("DELETE FROM session WHERE token = %s", [user.token])
        if state == "forged":
            signature = quote(cookie.sign("another token"))
            return replace(user, cookie=f"{cookie.name}={user.token}.{signature}")
        return user

    def browser(self, state: str = "no row", **headers: str) -> Browser:
        """Open a window of a new user in one of the `STATES`."""
        user = None if state == "signed out" else self.user(state)
        return Browser(self.app, user, headers)

    def new_session(self, user: User) -> User:
        """Return the user as they are in another browser."""
        cookie, token = self.settings.session_cookie, secrets.token_hex(16)
        self.connection.execute(
            'INSERT INTO session (token, "userId", "expiresAt")'
            " SELECT %s, id, now() + interval '7 days' FROM \"user\" WHERE id = %s",
            [token, user.id],
        )
        signed = f"{cookie.name}={token}.{quote(cookie.sign(token))}"
        return replace(user, cookie=signed, token=token)

    def row(self, user: User) -> dict[str, object] | None:
        """Return the answers that are stored of a user, and `is_onboarded`."""
        found = profile_row(self.connection, user.id, self.questionnaire)
        return found and {**found[0], "is_onboarded": found[1]}

    def stale_token(self, user: User) -> str:
        """Return a CSRF token of long ago."""
        key = self.settings.derive_key("onboarding csrf 1")
        return CsrfTokens(key, clock=lambda: 1_000_000).issue(user.token)


@pytest.fixture(scope="session")
def sites(server, settings: Settings) -> Iterator[Callable[[str], Site]]:
    """Return the site of a questionnaire of `ALL`, made when it is first wanted."""
    with ExitStack() as stack:

        @cache
        def site(name: str) -> Site:
            url = server.create_database(f"site_{name}")
            connection = stack.enter_context(psycopg.connect(url, autocommit=True))
            connection.execute(TABLES)
            create_profile_table(connection, ALL[name])
            its_settings = replace(settings, database_url=engine_url(url), writes_per_minute=0)
            app = create_app(its_settings, ALL[name])
            stack.callback(app.extensions["onboarding"].database.engine.dispose)
            return Site(app, its_settings, ALL[name], url, connection)

        yield site


@pytest.fixture(params=ALL)
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """Run the test with each questionnaire."""
    return sites(request.param)


@pytest.fixture
def default_site(sites: Callable[[str], Site]) -> Site:
    return sites("default")


@pytest.fixture
def make_app(default_site: Site) -> Iterator[Callable[..., Flask]]:
    """Make an app of the default site with other settings."""
    with ExitStack() as stack:

        def make_app(**changes: object) -> Flask:
            app = create_app(replace(default_site.settings, **changes))
            stack.callback(app.extensions["onboarding"].database.engine.dispose)
            return app

        yield make_app


def form_of(response: TestResponse) -> tuple[str, dict[str, str]]:
    """Return the URL and the fields of the form in a page."""
    form = page(response).form
    return form["action"], {one["name"]: one["value"] for one in form.find_all("input")}


def parts_of(url: str) -> tuple[str, dict[str, str], str]:
    """Return the path, the query and the fragment of a URL."""
    parts = urlsplit(url)
    query = {name: text for name, (text,) in parse_qs(parts.query).items()}
    return parts.path, query, parts.fragment


def redirect_of(response: TestResponse) -> tuple[str, dict[str, str], str]:
    """Return the path, the query and the fragment of a redirect."""
    assert response.status_code == 303
    return parts_of(response.headers["Location"])
