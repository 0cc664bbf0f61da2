"""Whatever is done to a real session cookie, the app as it is deployed takes nobody in for it.

Not one of these reaches the database. `tests/betterauth/test_mangled_cookie.py` does the same with
generated ones and without a server, `tests/compat/test_cookies.py` beside Better-Auth itself.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from urllib.parse import quote, unquote

import pytest

from onboarding.betterauth.cookie import SessionCookie
from tests.attacks.wire import Answer, send
from tests.conftest import Stage
from tests.visitor import Person

# Letters that look like the ones they take the place of: Cyrillic, Greek, full-width.
LOOK_ALIKES = str.maketrans("aceopxyABEHKMPTX", "асеорхуАВЕНКМРТХ")


def flipped(text: str, at: int) -> str:
    """Change one letter of `text` to another one of the same alphabet."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def mutants(
    name: str, token: str, cookie: SessionCookie, other: Person
) -> Iterator[tuple[str, bytes]]:
    """Give Cookie headers made from a real one, none of which proves anything, with what was done."""
    signature = cookie.sign(token)
    digest = base64.b64decode(signature)
    value = quote(f"{token}.{signature}", safe="")

    def pair(text: str, key: str = name) -> bytes:
        return f"{key}={text}".encode()

    def signed(text: str, by: bytes, algorithm: str = "sha256") -> bytes:
        made = base64.b64encode(hmac.digest(by, text.encode(), algorithm)).decode()
        return pair(quote(f"{token}.{made}", safe=""))

    for at in range(0, len(token), 2):
        yield f"letter {at} of the token", pair(quote(f"{flipped(token, at)}.{signature}", safe=""))
    for at in range(43):
        yield (
            f"letter {at} of the signature",
            pair(quote(f"{token}.{flipped(signature, at)}", safe="")),
        )
    for bit in (0, 7, 100, 255):
        changed = bytearray(digest)
        changed[bit // 8] ^= 1 << bit % 8
        again = base64.b64encode(bytes(changed)).decode()
        yield f"bit {bit} of the signature", pair(quote(f"{token}.{again}", safe=""))

    for length in (0, 1, 16, len(token), len(token) + 1, len(value) - 4, len(value) - 1):
        yield f"cut after {length}", pair(value[:length])
    yield "cut in front", pair(value[1:])
    yield "no signature", pair(token)
    yield "an empty signature", pair(f"{token}.")
    yield "no token", pair(quote(f".{signature}", safe=""))
    yield "only the signature", pair(quote(signature, safe=""))
    yield "swapped parts", pair(quote(f"{signature}.{token}", safe=""))
    yield "a comma for the dot", pair(quote(f"{token},{signature}", safe=""))
    yield "twice the signature", pair(quote(f"{token}.{signature}.{signature}", safe=""))
    yield "twice the whole", pair(quote(f"{token}.{signature}" * 2, safe=""))
    yield "the token in front once more", pair(quote(f"{token}.{token}.{signature}", safe=""))

    yield "encoded twice", pair(quote(value, safe=""))
    yield "encoded three times", pair(quote(quote(value, safe=""), safe=""))
    yield "half an escape", pair(f"{value[:-2]}")
    yield "an escape of no digits", pair(f"{value[:-2]}GG")
    yield "an overlong dot", pair(f"{token}%C0%AE{quote(signature, safe='')}")
    yield "a full-width dot", pair(quote(f"{token}\uff0e{signature}", safe=""))
    yield "+ for %2B", pair(quote(f"{token}.{'+' + signature[1:]}", safe="+"))

    url_safe = base64.urlsafe_b64encode(digest).decode()
    if url_safe != signature:
        yield "base64url", pair(quote(f"{token}.{url_safe}", safe=""))
    yield "base64url without padding", pair(f"{token}.{url_safe.rstrip('=')}")
    yield "no padding", pair(quote(f"{token}.{signature.rstrip('=')}", safe=""))
    yield "more padding", pair(quote(f"{token}.{signature}=", safe=""))
    yield "padding of two", pair(quote(f"{token}.{signature[:-2]}==", safe=""))
    yield "hexadecimal", pair(f"{token}.{digest.hex()}")
    yield "base32", pair(quote(f"{token}.{base64.b32encode(digest).decode()}", safe=""))
    yield "a line break inside", pair(quote(f"{token}.{signature[:20]}\n{signature[20:]}", safe=""))
    yield "a blank behind the dot", pair(quote(f"{token}. {signature}", safe=""))
    yield "a blank at the token's end", pair(quote(f"{token} .{signature}", safe=""))
    yield "an escaped blank at the end", pair(f"{value}%20")
    yield "an escaped NUL at the end", pair(f"{value}%00")
    yield "an escaped NUL in the token", pair(quote(f"{token}\0.{signature}", safe=""))
    yield "an escaped line break at the end", pair(f"{value}%0d%0a")

    key = cookie.secret.encode()
    yield "another secret", signed(token, b"another secret of forty characters, at least")
    yield "Better-Auth's public secret", signed(token, b"better-auth-secret-12345678901234567890")
    yield "an empty secret", signed(token, b"")
    yield "the secret in capitals", signed(token, key.upper())
    yield "the secret with a line break", signed(token, key + b"\n")
    yield "the token as the secret", signed(token, token.encode())
    for algorithm in ("sha1", "sha384", "sha512", "md5"):
        yield f"HMAC of {algorithm}", signed(token, key, algorithm)
    plain = base64.b64encode(hashlib.sha256(token.encode()).digest()).decode()
    yield "a hash without a secret", pair(quote(f"{token}.{plain}", safe=""))
    behind = base64.b64encode(hashlib.sha256(key + token.encode()).digest()).decode()
    yield "a hash with the secret in front", pair(quote(f"{token}.{behind}", safe=""))
    yield "signed with the name", signed(f"{name}={token}", key)
    yield "signed with the dot", signed(f"{token}.", key)
    yield "signed in capitals", signed(token.upper(), key)
    yield "zeros", pair(quote(f"{token}.{base64.b64encode(bytes(32)).decode()}", safe=""))

    theirs, their_signature = unquote(other.cookie.partition("=")[2]).rsplit(".", 1)
    yield "another's signature", pair(quote(f"{token}.{their_signature}", safe=""))
    yield "another's token", pair(quote(f"{theirs}.{signature}", safe=""))
    yield "both tokens", pair(quote(f"{theirs}.{token}.{signature}", safe=""))

    yield "the token in capitals", pair(quote(f"{token.upper()}.{signature}", safe=""))
    yield "the token in small letters", pair(quote(f"{token.lower()}.{signature}", safe=""))
    yield "the signature's case swapped", pair(quote(f"{token}.{signature.swapcase()}", safe=""))
    alike = f"{token}.{signature}".translate(LOOK_ALIKES)
    yield "look-alikes", pair(alike)
    yield "look-alikes, encoded", pair(quote(alike, safe=""))
    yield "a zero-width blank", pair(quote(f"\u200b{token}.{signature}", safe=""))
    yield "a combining mark", pair(quote(f"{token}\u0301.{signature}", safe=""))
    yield "bytes that are no UTF-8", pair(f"{token}%FF.{quote(signature, safe='')}")

    for key_name in (
        name.upper(),
        f"__Secure-{name}",
        f"__Host-{name}",
        f"{name}.0",
        f"{name}_multi",
        name.replace("session_token", "session_data"),
        name.replace(".", "_"),
        name.replace("-", "%2D"),
        f"x{name}",
    ):
        yield f"the name {key_name}", pair(value, key_name)
    yield "quotes of one side", pair(f'"{value}')
    yield "single quotes", pair(f"'{value}'")
    yield "as an attribute of another", f"theme=dark, {name}={value}".encode()
    yield "inside another's quotes", f'theme="; x={name}={value}"'.encode()
    yield "JSON", pair(quote(f'{{"token":"{token}","signature":"{signature}"}}', safe=""))
    yield (
        "a JWT without algorithm",
        pair(
            ".".join(
                base64.urlsafe_b64encode(part).decode().rstrip("=")
                for part in (b'{"alg":"none"}', f'{{"token":"{token}"}}'.encode(), b"")
            )
        ),
    )
    for what, byte in {
        "NUL": b"\0",
        "CR": b"\r",
        "LF": b"\n",
        "ESC": b"\x1b",
        "DEL": b"\x7f",
    }.items():
        yield f"a raw {what} behind it", pair(value) + byte
        yield f"a raw {what} in the token", pair(token[:5]) + byte + value[5:].encode()
    yield "two lines", pair(token) + b"\r\nX-Rest: ." + quote(signature, safe="").encode()
    yield "8-bit letters", pair(token) + b"\xe9." + quote(signature, safe="").encode()
    yield "ten thousand letters", pair(f"{'A' * 10_000}.{quote(signature, safe='')}")


def ask(address: str, cookie: bytes, path: str = "/profile") -> list[Answer]:
    """Ask for a page as a browser's window does."""
    host = address.partition("//")[2].encode()
    return send(
        address,
        b"GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n" % (path.encode(), host, cookie),
    )


@pytest.fixture
def forgeries(stage: Stage, settings, real_ada: Person, sign_up) -> dict[str, bytes]:
    """The mutants of a cookie that the main site itself has signed."""
    name = settings.session_cookie.name
    cookie = SessionCookie(name, stage.app.secret)
    token = unquote(real_ada.cookie.partition("=")[2]).rsplit(".", 1)[0]
    made = list(mutants(name, token, cookie, sign_up("Eve")))
    by_what = dict(made)
    assert len(by_what) == len(made)
    return {
        what: header
        for what, header in by_what.items()
        if header.decode("latin-1") != real_ada.cookie
    }


def test_no_forged_cookie_is_taken_and_none_costs_a_query(
    stage: Stage, served_app: str, forgeries: dict[str, bytes], real_ada: Person
) -> None:
    assert len(set(forgeries.values())) >= 100
    before = stage.server.log_size()
    taken, failed = [], []
    for what, header in forgeries.items():
        answers = ask(served_app, header)
        for answer in answers:
            location = answer.headers.get("location", "")
            is_out = answer.status in (400, 431) or (
                answer.status == 303 and ("/sign-in?" in location or "/signed-out?" in location)
            )
            if not is_out:
                taken.append((what, answer.status, location))
        if len(answers) != 1:
            failed.append((what, [answer.status for answer in answers]))
    print(f"{len(forgeries)} forged cookies: {len(taken)} accepted")
    assert taken == []
    assert failed == []
    assert stage.server.statements("onboarding", after=before) == []

    # The same question with the cookie as it was: or none of this would prove anything.
    [answer] = ask(served_app, real_ada.cookie.encode())
    assert (answer.status, answer.headers["location"][:12]) == (303, "/onboarding/")
    assert stage.server.statements("onboarding", after=before) != []


def test_no_forged_cookie_calls_the_api(
    served_app: str, forgeries: dict[str, bytes], real_ada: Person
) -> None:
    for what, header in forgeries.items():
        statuses = {answer.status for answer in ask(served_app, header, "/api/profile")}
        assert statuses <= {400, 401, 431}, what
    assert [x.status for x in ask(served_app, real_ada.cookie.encode(), "/api/profile")] == [200]
