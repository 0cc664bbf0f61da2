"""People, and how they visit: requests as a browser sends them, without a browser."""

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

import psycopg
from bs4 import BeautifulSoup
from flask import Flask
from psycopg import sql
from werkzeug.test import EnvironBuilder, TestResponse

from onboarding.betterauth.cookie import SessionCookie
from tests import secrecy


@dataclass(frozen=True)
class Person:
    """Somebody who signed up on the main site; `cookie` is their Cookie header."""

    user_id: str
    name: str
    email: str
    password: str
    cookie: str = field(repr=False)
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        secrecy.keep(self.token, self.user_id)


def newcomer(
    database_url: str,
    cookie: SessionCookie,
    *,
    user: dict[str, object] | None = None,
    session: dict[str, object] | None = None,
    lifetime: timedelta = timedelta(days=7),
) -> Person:
    """Sign somebody up by SQL: the rows and the cookie that better-auth 1.7.25 makes.

    `user` and `session` are values of further columns. That the real ones are the same is shown
    where people sign up by HTTP.
    """
    with psycopg.connect(database_url, autocommit=True) as connection:
        return sign_up_by_sql(connection, cookie, user=user, session=session, lifetime=lifetime)


def sign_up_by_sql(
    connection: psycopg.Connection,
    cookie: SessionCookie,
    *,
    user: dict[str, object] | None = None,
    session: dict[str, object] | None = None,
    lifetime: timedelta = timedelta(days=7),
) -> Person:
    """Do as `newcomer`, for crowds, with a connection that is there already."""
    user_id, token = secrets.token_hex(16), secrets.token_hex(16)
    person = Person(
        user_id,
        "Ada Lovelace",
        f"{user_id}@example.test",
        "",
        f"{cookie.name}={token}.{quote(cookie.sign(token))}",
        token,
    )
    now = datetime.now(UTC)
    rows = {
        "user": {"id": user_id, "name": person.name, "email": person.email, "emailVerified": False},
        "session": {
            "id": secrets.token_hex(16),
            "token": token,
            "userId": user_id,
            "expiresAt": now + lifetime,
            "updatedAt": now,
        },
    }
    for table, more in (("user", user), ("session", session)):
        row = rows[table] | (more or {})
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
        connection.execute(insert)
    return person


class Visitor:
    """A browser window: sends the person's cookie, Host, Origin and the page's CSRF token."""

    def __init__(self, app: Flask, person: Person | None, headers: dict[str, str]) -> None:
        parts = app.extensions["onboarding"]
        self.origin = parts.settings.app_origin
        self.person = person
        self._csrf = parts.csrf
        self._cookie = parts.settings.session_cookie
        self._client = app.test_client(use_cookies=False)
        self._headers = {
            "Host": urlsplit(self.origin).netloc,
            **({"Cookie": person.cookie} if person else {}),
            **headers,
        }

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more
    ) -> TestResponse:
        """Send a request; `headers` come over the window's own, and None takes one away."""
        merged = {**self._headers, **(headers or {})}
        kept = {name: value for name, value in merged.items() if value is not None}
        path = path.partition("#")[0]
        if path.startswith("//"):
            # A server hands it over as it is; the client of tests would take its start for a host.
            more["environ_overrides"] = {"PATH_INFO": path.partition("?")[0]}
        return self._client.open(path, method=method, headers=kept, buffered=True, **more)

    def get(self, path: str, headers: dict[str, str] | None = None) -> TestResponse:
        return self.request("GET", path, headers)

    def environ(self, path: str) -> dict[str, object]:
        """Give a GET as a WSGI server hands it to the app."""
        return EnvironBuilder(path, headers=self._headers).get_environ()

    def post(
        self, path: str, data: object = None, headers: dict[str, str] | None = None
    ) -> TestResponse:
        """Send a form with a valid CSRF token, unless `data` brings its own `csrf_token`."""
        session_token = self._cookie.token(self.person.cookie) if self.person else None
        token = self._csrf.issue(session_token) if session_token else "none"
        if isinstance(data, dict) or data is None:
            data = {"csrf_token": token, **(data or {})}
        return self.request("POST", path, {"Origin": self.origin, **(headers or {})}, data=data)

    def put(self, body: object, headers: dict[str, str] | None = None, **more) -> TestResponse:
        """Call the API with a body: bytes as they are, anything else as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        fixed = {"Origin": self.origin, "Content-Type": "application/json"}
        return self.request("PUT", "/api/profile", {**fixed, **(headers or {})}, data=data, **more)

    def answer(self, proficiency: str = "Intermediate", role: str = "None") -> TestResponse:
        """Answer both questions, which leaves a draft."""
        first = self.post("/onboarding/python-proficiency", {"python_proficiency": proficiency})
        return self.post(first.headers["Location"], {"developer_role": role})

    def finish(self, proficiency: str = "Intermediate", role: str = "None") -> TestResponse:
        """Answer both questions and confirm."""
        self.answer(proficiency, role)
        return self.post(
            "/onboarding/review", {"python_proficiency": proficiency, "developer_role": role}
        )


def page(response: TestResponse) -> BeautifulSoup:
    """Parse an answer's HTML as a browser would."""
    return BeautifulSoup(response.text, "html5lib")
