"""Verify the session cookie ``<token>.<signature>`` without asking anybody.

Pure functions: a Cookie header in, a session token or None out. The signature is the standard padded
base64 of HMAC-SHA-256 over the token, with the secret's UTF-8 bytes as key (better-auth 1.7.25;
checked against 148 real cookies). It covers nothing but the token, neither expiry nor cookie name, so
a verified token is not yet a signed-in user: only the `session` table decides that.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, unquote

# 32 bytes in standard base64 are 43 characters and one "=". The last character before the padding
# holds two unused bits, so there are four spellings; Better-Auth accepts all and sends only one.
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# What JavaScript, and so better-call, trims: no other white space gets through a server.
_WHITE_SPACE = " \t\xa0"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class AmbiguousSession(Exception):
    """The request carries valid session cookies of different sessions.

    A sibling subdomain can plant a second cookie of the same name. Accepting any could mix up two
    users, so whoever catches this has to find out whether the sessions in `tokens` are of one user. It
    is empty if one of the cookies is spelled in a way that only Better-Auth accepts.
    """

    def __init__(self, tokens: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.tokens = tokens


@dataclass(frozen=True)
class SessionCookie:
    """The main site's session cookie: its full `name` and the `secret` that signs it."""

    name: str
    secret: str = field(repr=False)

    def token(self, cookie_header: str | None) -> str | None:
        """Return the session token with a valid signature in a Cookie header, or None.

        `cookie_header` is the header as WSGI passes it. Several cookies of the name count as one if
        exactly one token among them has a valid signature. Raise `AmbiguousSession` for two.

        A spelling that Better-Auth accepts and this class doesn't signs nobody in, but counts as one
        of the two: the app never identifies one user where the main site identifies another.
        """
        return _single(self._verified(cookie_header))

    def has_unverified(self, cookie_header: str | None) -> bool:
        """Return whether a header without a valid token has a cookie of the right name and shape.

        If so, the cookie is forged, or the main site signs with another secret.
        """
        return any(_signed_values(cookie_header, self.name))

    def sign(self, token: str) -> str:
        """Return the signature of a session token: 44 characters of standard base64."""
        digest = hmac.digest(self.secret.encode(), token.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

    def _verified(self, cookie_header: str | None) -> Iterator[tuple[str, bool]]:
        for value in _signed_values(cookie_header, self.name):
            expected = self.sign(value.token)
            is_exact = hmac.compare_digest(value.signature, expected)
            if is_exact or hmac.compare_digest(
                base64.b64decode(value.signature), base64.b64decode(expected)
            ):
                yield value.token, is_exact and value.has_exact_name


@dataclass(frozen=True)
class ForwardedCookie:
    """The session cookie as it is forwarded to the main site, which alone can judge it.

    With a `verifier` a forged cookie is already refused here. Without one only the shape is checked,
    so the result of `token` proves nothing until the main site has answered.
    """

    name: str
    verifier: SessionCookie | None = None

    def token(self, cookie_header: str | None) -> str | None:
        """Return the cookie's decoded value ``token.signature``, or None.

        Raise `AmbiguousSession` as `SessionCookie.token` does; without a verifier for any two
        different values.
        """
        if self.verifier:
            token = self.verifier.token(cookie_header)
            return token and f"{token}.{self.verifier.sign(token)}"
        values = _signed_values(cookie_header, self.name)
        return _single(
            (f"{value.token}.{value.signature}", value.has_exact_name) for value in values
        )

    def has_unverified(self, cookie_header: str | None) -> bool:
        """Return the same as `SessionCookie.has_unverified`, and False without a verifier."""
        return self.verifier is not None and self.verifier.has_unverified(cookie_header)

    def header(self, token: str) -> str:
        """Return the Cookie header that forwards the result of `token`: one cookie, no other."""
        return f"{self.name}={quote(token, safe='')}"


class _SignedValue(NamedTuple):
    """A cookie with the shape of the session cookie.

    `has_exact_name` is False for a name with a no-break space before it, which better-call trims. A
    browser enforces the rules of ``__Secure-`` for the exact name only, so a sibling subdomain may
    set such a cookie.
    """

    token: str
    signature: str
    has_exact_name: bool


def _single(candidates: Iterable[tuple[str, bool]]) -> str | None:
    """Return the one value among pairs of (value, is exact) if at least one pair is exact."""
    exactness: dict[str, bool] = {}
    for value, is_exact in candidates:
        exactness[value] = is_exact or exactness.get(value, False)
    if len(exactness) > 1:
        raise AmbiguousSession(tuple(exactness) if all(exactness.values()) else ())
    return next((value for value, is_exact in exactness.items() if is_exact), None)


def _signed_values(cookie_header: str | None, name: str) -> Iterator[_SignedValue]:
    for pair in (cookie_header or "").split(";"):
        key, equals, value = pair.partition("=")
        if not equals or key.strip(_WHITE_SPACE) != name:
            continue
        token, _, signature = _decoded(value.strip(_WHITE_SPACE)).rpartition(".")
        # PostgreSQL's text can't hold NUL, nor UTF-8 a lone surrogate: no session has such a token.
        if token and _SIGNATURE.fullmatch(signature) and not _UNSTORABLE.search(token):
            has_exact_name = key.rstrip(_WHITE_SPACE).lstrip(" \t") == name
            yield _SignedValue(token, signature, has_exact_name)


def _decoded(value: str) -> str:
    """Remove one pair of double quotes and one percent-encoding, as better-call 1.4.5 does.

    It looks at the opening quote only and takes the last character for the closing one. A value that
    can't be decoded stays as it is and fails at the signature.
    """
    if value.startswith('"'):
        value = value[1:-1]
    if "%" not in value or _BAD_ESCAPE.search(value):
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value
