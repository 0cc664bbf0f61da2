"""Whatever is done to a real session cookie, the app as it is deployed accepts no other.

Not one of these reaches the database. `tests/compat/test_verdict.py` sends the same corpus with the
right secret, and asks Better-Auth what it makes of each.
"""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from onboarding.betterauth.cookie import SessionCookie
from tests.attacks.wire import Answer, send
from tests.compat.corpus import Tokens, headers
from tests.conftest import Environment
from tests.users import User, create_user


def changed(token: str, signature: str, other: str) -> Iterator[str]:
    """Return values made of a token, its signature and another token's, none of which belong together."""
    # The signature's last letter has two bits that carry nothing.
    for text, end in ((token, len(token)), (signature, len(signature) - 2)):
        for at in range(end):
            letter = "A" if text[at] != "A" else "B"
            flipped = text[:at] + letter + text[at + 1 :]
            yield f"{flipped}.{signature}" if text is token else f"{token}.{flipped}"
    for length in (0, 1, 16, 40):
        yield f"{token}.{signature[:length]}"
        yield f"{token[:length]}.{signature}" if length < len(token) else signature
    yield from (
        token,
        f"{token}.{other}",
        f"{token}.{signature.swapcase()}",
        f"{signature}.{token}",
    )
    yield from (f"{token.upper()}.{signature}", f"{token}.{signature}{signature}")


@pytest.fixture
def forgeries(environment: Environment, settings, user: User) -> set[bytes]:
    """Cookie headers about a session that lives, each of which lacks the secret's signature."""
    cookie: SessionCookie = settings.session_cookie
    other = create_user(environment.database_url, cookie).token
    tokens = Tokens(user.token, other, *([user.token] * 5))
    found = set()
    for secret in ("", cookie.secret.upper(), f"{cookie.secret}\n", "x" * 40, user.token):
        made = headers(replace(cookie, secret=secret), tokens)
        # The whole corpus by one of these, what stands in it alone by the others.
        names = made if not secret else [*made][:8]
        found |= {b"\r\nCookie: ".join(made[name]) for name in names}
    for value in changed(user.token, cookie.sign(user.token), cookie.sign(other)):
        found.add(f"{cookie.name}={quote(value, safe='')}".encode())
    return found


def ask(address: str, cookie: bytes, path: str) -> list[Answer]:
    """Ask for a page as a browser's window does."""
    host = address.partition("//")[2].encode()
    lines = b"GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n"
    return send(address, lines % (path.encode(), host, cookie))


def test_no_forged_cookie_is_accepted_by_page_or_api_and_none_costs_a_query(
    environment: Environment, served_app: str, forgeries: set[bytes], user: User
) -> None:
    assert len(forgeries) >= 400
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
