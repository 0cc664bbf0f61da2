"""Who is signed in: the app's verdict and Better-Auth's, on the same bytes sent to the real servers."""

import json
import secrets
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPResponse
from urllib.parse import urlencode

import pytest

from onboarding.betterauth.cookie import SessionCookie
from onboarding.settings import Settings
from tests.compat.corpus import Tokens, find_token, headers
from tests.compat.differences import DIFFERENCES, IN, OUT, REFUSED
from tests.conftest import Environment
from tests.questionnaires import some_answers
from tests.users import User, create_user

pytestmark = pytest.mark.slow
SESSION = "/api/auth/get-session?disableCookieCache=true&disableRefresh=true"
# Shows the e-mail address of a user who isn't onboarded, and saves nothing.
REVIEW = f"/onboarding/review?{urlencode(some_answers())}"


@dataclass(frozen=True)
class Verdict:
    """The e-mail address that a server named, or None; and whether it refused the request itself."""

    email: str | None = None
    refused: bool = False

    @property
    def word(self) -> str:
        return IN if self.email else REFUSED if self.refused else OUT


@dataclass(frozen=True)
class Servers:
    """The ports of the app and of Better-Auth, and the users that either may name."""

    app: int
    site: int
    emails: tuple[str, ...]

    def here(self, *cookies: bytes) -> Verdict:
        status, body = ask(self.app, REVIEW, cookies)
        named = [email for email in self.emails if email in body]
        if status == 200:
            [email] = named
            return Verdict(email)
        assert named == []
        assert status in (303, 400, 431), body
        return Verdict(refused=status != 303)

    def there(self, *cookies: bytes) -> Verdict:
        status, body = ask(self.site, SESSION, cookies)
        if status == 200:
            session = json.loads(body)
            return Verdict(session["user"]["email"] if session else None)
        # A header that Node.js refuses; Better-Auth answers 500 to a token that holds a NUL.
        assert status in (400, 431, 500), body
        return Verdict(refused=status != 500)


def ask(port: int, path: str, cookies: tuple[bytes, ...]) -> tuple[int, str]:
    """Send these Cookie headers as they are, byte for byte; return status and body."""
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n".encode()
    lines = b"".join(b"Cookie: " + cookie + b"\r\n" for cookie in cookies)
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(head + lines + b"\r\n")
        with HTTPResponse(connection) as response:
            response.begin()
            return response.status, response.read().decode()


@pytest.fixture(scope="module")
def users(sign_up: Callable[..., User]) -> tuple[User, User]:
    return sign_up(), sign_up()


@pytest.fixture(scope="module")
def servers(environment: Environment, served_app: str, users: tuple[User, User]) -> Servers:
    ports = environment.app_server.port, environment.main_site.port
    return Servers(*ports, tuple(user.email for user in users))


@pytest.fixture(scope="module")
def cookie(settings: Settings) -> SessionCookie:
    return settings.session_cookie


def insert_sessions(
    environment: Environment, user: User, *tokens: str, lifetime: str = "1 day"
) -> None:
    """Insert sessions as the main site does, all of which end at the same microsecond."""
    environment.sql(
        'INSERT INTO session (id, token, "userId", "updatedAt", "expiresAt")'
        " SELECT CAST(gen_random_uuid() AS text), token, %s, now(), now() + ends"
        " FROM unnest(CAST(%s AS text[])) token, CAST(%s AS interval) ends",
        *(user.id, list(tokens), lifetime),
    )


def test_every_header_gets_the_verdict_of_better_auth_or_differs_as_the_table_says(
    environment: Environment, servers: Servers, cookie: SessionCookie, users: tuple[User, User]
) -> None:
    user, other = users
    good, again = find_token(cookie), secrets.token_hex(16)
    accented, expired = f"žluťoučký-🐎-{secrets.token_hex(8)}", secrets.token_hex(16)
    insert_sessions(environment, user, good, again, accented)
    insert_sessions(environment, other, expired, lifetime="-1 hour")
    deleted = create_user(environment.database_url, cookie)
    environment.sql('DELETE FROM "user" WHERE id = %s', deleted.id)
    tokens = (good, other.token, again, accented, secrets.token_hex(16), expired, deleted.token)
    corpus = headers(cookie, Tokens(*tokens))

    with ThreadPoolExecutor(2) as pool:
        here, there = (
            pool.submit(lambda ask=ask: [ask(*lines) for lines in corpus.values()])
            for ask in (servers.here, servers.there)
        )
        verdicts = dict(zip(corpus, zip(here.result(), there.result(), strict=True), strict=True))
    # By the e-mail address: a header that names two users never makes each server name another.
    differ = {
        name: (here.word, there.word)
        for name, (here, there) in verdicts.items()
        if here.email != there.email
    }
    covered = [(name, one) for name in corpus for one in DIFFERENCES if one.covers(name)]
    assert differ == {name: (one.here, one.there) for name, one in covered}
    assert {one.what for _, one in covered} == {one.what for one in DIFFERENCES}
    agreed = Counter(here.email for here, there in verdicts.values() if here == there)
    assert agreed[user.email] > 50
    assert agreed[other.email] > 0
    assert agreed[None] > 150
