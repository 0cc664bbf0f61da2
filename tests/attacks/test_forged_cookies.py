"""Whatever is done to a real session cookie, the app as it is deployed accepts no other.

Not one of these reaches the database. `tests/betterauth/test_cookie.py` does the same with
generated ones and without a server, `tests/compat/test_verdict.py` beside Better-Auth itself.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from onboarding.betterauth.cookie import SessionCookie
from tests.attacks.wire import Answer, send
from tests.conftest import Environment
from tests.users import User

# Letters that look like the ones they take the place of: Cyrillic, Greek, full-width.
LOOK_ALIKES = str.maketrans("aceopxyABEHKMPTX", "асеорхуАВЕНКМРТХ")


def flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def forged_values(token: str, signature: str, other: tuple[str, str]) -> Iterator[str]:
    """Return token and signature as they aren't, before they are percent-encoded."""
    digest = base64.b64decode(signature)
    url_safe = base64.urlsafe_b64encode(digest).decode()
    yield from (f"{flipped(token, at)}.{signature}" for at in range(0, len(token), 2))
    yield from (f"{token}.{flipped(signature, at)}" for at in range(43))
    for bit in (0, 7, 100, 255):
        changed = bytearray(digest)
        changed[bit // 8] ^= 1 << bit % 8
        yield f"{token}.{b64(bytes(changed))}"
    yield from (token, f"{token}.", f".{signature}", signature, f"{signature}.{token}")
    yield from (f"{token},{signature}", f"{token}\uff0e{signature}", f"{token}.{signature}=")
    yield from (f"{token}.{signature}" * 2, f"{token}.{signature}.{signature}")
    yield from (f"{token}.{token}.{signature}", f"{token}. {signature}", f"{token} .{signature}")
    yield from (f"{token}.{signature} ", f"{token}.{signature}\0", f"{token}\0.{signature}")
    yield from (f"{token}.{signature}\r\n", f"{token}.{signature[:20]}\n{signature[20:]}")
    yield from (f"{token}.{url_safe.rstrip('=')}", f"{token}.{signature.rstrip('=')}")
    yield from (
        f"{token}.{signature[:-2]}==",
        f"{token}.{digest.hex()}",
        f"{token}.{b64(bytes(32))}",
    )
    yield from (f"{token}.{base64.b32encode(digest).decode()}", f"{'A' * 10_000}.{signature}")
    yield from (f"{token.upper()}.{signature}", f"{token.lower()}.{signature}")
    yield from (f"{token}.{signature.swapcase()}", f"{token}.{signature}".translate(LOOK_ALIKES))
    yield from (f"\u200b{token}.{signature}", f"{token}\u0301.{signature}")
    yield from (f"{token}.{other[1]}", f"{other[0]}.{signature}", f"{other[0]}.{token}.{signature}")
    yield f'{{"token":"{token}","signature":"{signature}"}}'


def wrong_signatures(name: str, token: str, secret: str) -> Iterator[str]:
    """Return signatures by other keys, other algorithms and of other texts."""
    key = secret.encode()
    others = (b"another secret of forty characters, at least", b"", key.upper(), token.encode())
    for by in (*others, b"better-auth-secret-12345678901234567890", key + b"\n"):
        yield b64(hmac.digest(by, token.encode(), "sha256"))
    for algorithm in ("sha1", "sha384", "sha512", "md5"):
        yield b64(hmac.digest(key, token.encode(), algorithm))
    for text in (f"{name}={token}", f"{token}.", token.upper()):
        yield b64(hmac.digest(key, text.encode(), "sha256"))
    for data in (token.encode(), key + token.encode()):
        yield b64(hashlib.sha256(data).digest())


def forged_headers(cookie: SessionCookie, token: str, other: tuple[str, str]) -> Iterator[bytes]:
    """Return Cookie headers made from a real one, none of which proves anything."""
    name, signature = cookie.name, cookie.sign(token)
    value, encoded = quote(f"{token}.{signature}", safe=""), quote(signature, safe="")
    values = [quote(forged, safe="") for forged in forged_values(token, signature, other)]
    for wrong in wrong_signatures(name, token, cookie.secret):
        values.append(quote(f"{token}.{wrong}", safe=""))
    for length in (0, 1, 16, len(token), len(token) + 1, len(value) - 4, len(value) - 1):
        values.append(value[:length])
    values += [value[1:], quote(value, safe=""), quote(quote(value, safe=""), safe="")]
    values += [value[:-2], f"{value[:-2]}GG", f"{token}%C0%AE{encoded}", f"{token}%FF.{encoded}"]
    values += [f'"{value}', f"'{value}'", f"{token}.+{signature[1:]}"]
    values.append(f"{token}.{signature}".translate(LOOK_ALIKES))
    parts = (b'{"alg":"none"}', f'{{"token":"{token}"}}'.encode(), b"")
    values.append(".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts))
    yield from (f"{name}={forged}".encode() for forged in values)

    names = [name.upper(), f"__Secure-{name}", f"__Host-{name}", f"{name}.0", f"{name}_multi"]
    names += [name.replace(".", "_"), name.replace("-", "%2D"), f"x{name}"]
    names.append(name.replace("session_token", "session_data"))
    yield from (f"{forged}={value}".encode() for forged in names)
    yield from (f"theme=dark, {name}={value}".encode(), f'theme="; x={name}={value}"'.encode())
    for byte in (b"\0", b"\r", b"\n", b"\x1b", b"\x7f"):
        yield f"{name}={value}".encode() + byte
        yield f"{name}={token[:5]}".encode() + byte + value[5:].encode()
    for between in (b"\r\nX-Rest: .", b"\xe9."):
        yield f"{name}={token}".encode() + between + encoded.encode()


def ask(address: str, cookie: bytes, path: str) -> list[Answer]:
    """Ask for a page as a browser's window does."""
    host = address.partition("//")[2].encode()
    return send(
        address,
        b"GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n" % (path.encode(), host, cookie),
    )


def token_and_signature(user: User) -> tuple[str, str]:
    token, signature = unquote(user.cookie.partition("=")[2]).rsplit(".", 1)
    return token, signature


@pytest.fixture
def forgeries(settings, signed_up_user: User, sign_up) -> set[bytes]:
    """The forgeries of a cookie that the main site itself has signed."""
    token, _ = token_and_signature(signed_up_user)
    found = forged_headers(settings.session_cookie, token, token_and_signature(sign_up("Eve")))
    return set(found) - {signed_up_user.cookie.encode()}


def test_no_forged_cookie_is_accepted_by_page_or_api_and_none_costs_a_query(
    environment: Environment, served_app: str, forgeries: set[bytes], signed_up_user: User
) -> None:
    assert len(forgeries) >= 150
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
    real = signed_up_user.cookie.encode()
    [page], [call] = (ask(served_app, real, path) for path in ("/profile", "/api/profile"))
    assert (page.status, page.headers["location"][:12], call.status) == (303, "/onboarding/", 200)
    assert environment.server.statements("onboarding", after=before) != []
