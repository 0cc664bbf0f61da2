"""Whatever is done to a real session cookie, the app as it is deployed accepts no other.

Not one of these reaches the database. `tests/compat/test_verdict.py` sends the same corpus with the
right secret, and asks Better-Auth what it makes of each.
"""

from dataclasses import replace
from urllib.parse import quote

import pytest

from onboarding.betterauth.cookie import SessionCookie
from tests.attacks.wire import Answer, send
from tests.compat.corpus import Tokens, headers
from tests.conftest import Environment
from tests.users import User, create_user


@pytest.fixture
def forgeries(environment: Environment, settings, user: User) -> set[bytes]:
    """Cookie headers about a session that lives, each of which lacks the secret's signature."""
    cookie: SessionCookie = settings.session_cookie
    other = create_user(environment.database_url, cookie).token
    tokens = Tokens(user.token, other, *([user.token] * 5))
    secrets = ("", cookie.secret.upper(), f"{cookie.secret}\n", "x" * 40, user.token)
    # The whole corpus by one of these, what stands in it alone by the others.
    made = [list(headers(replace(cookie, secret=one), tokens).values()) for one in secrets]
    lines = [*made[0], *(header for others in made[1:] for header in others[:8])]
    altered = [
        f"{user.token}.{cookie.sign(other)}",
        f"{user.token.swapcase()}.{cookie.sign(user.token)}",
    ]
    altered += [f"{user.token}.{cookie.sign(user.token)[:-2]}"]
    forged = [f"{cookie.name}={quote(value, safe='')}".encode() for value in altered]
    return {*map(b"\r\nCookie: ".join, lines), *forged}


def ask(address: str, cookie: bytes, path: str) -> list[Answer]:
    """Ask for a page as a browser's window does."""
    host = address.partition("//")[2].encode()
    lines = b"GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n"
    return send(address, lines % (path.encode(), host, cookie))


def test_no_forged_cookie_is_accepted_by_page_or_api_and_none_costs_a_query(
    environment: Environment, served_app: str, forgeries: set[bytes], user: User
) -> None:
    assert len(forgeries) >= 250
    before = environment.server.log_size()
    for header in forgeries:
        [page] = ask(served_app, header, "/profile")
        location = page.headers.get("location", "")
        is_led_out = page.status == 303 and ("/sign-in?" in location or "/signed-out?" in location)
        assert page.status in (400, 431) or is_led_out, (header, page)
        [call] = ask(served_app, header, "/api/profile")
        assert call.status in (400, 401, 431), (header, call)
    assert environment.server.statements("onboarding", after=before) == []

    # The same with the cookie as it was: or none of this would prove anything.
    [page], [call] = (
        ask(served_app, user.cookie.encode(), path) for path in ("/profile", "/api/profile")
    )
    assert (page.status, page.headers["location"][:12], call.status) == (303, "/onboarding/", 200)
    assert environment.server.statements("onboarding", after=before) != []
