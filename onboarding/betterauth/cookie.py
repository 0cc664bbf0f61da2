"""Verifies the session cookie ``<token>.<signature>`` without asking anybody.

Pure: a Cookie header in, a session token or None out. The signature is the standard padded base64
of HMAC-SHA-256 with the secret's UTF-8 bytes as key over the token (better-auth 1.7.25; checked
against 148 real cookies). It covers nothing but the token, neither expiry nor cookie name, so a
verified token is not yet a signed-in person: only the `session` table says that.
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
# holds two unused bits, so there are four spellings; Better-Auth takes all and sends only one.
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{43}=", re.ASCII)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
# What JavaScript, and so better-call, trims: of all white space, no other gets through a server.
_BLANK = " \t\xa0"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class AmbiguousSession(Exception):
    """The request carries two valid session cookies of different sessions.

    A sibling subdomain can plant a second cookie of the same name. Picking either could mix two
    people, so neither is taken.
    """


@dataclass(frozen=True)
class SessionCookie:
    """The main site's session cookie: its full `name` and the `secret` that signs it."""

    name: str
    secret: str = field(repr=False)

    def token(self, cookie_header: str | None) -> str | None:
        """Give the session token that the header proves, or None.

        `cookie_header` is the request's Cookie header as WSGI hands it over. Several cookies of
        the name count as one when exactly one token among them is validly signed. Raises
        `AmbiguousSession` for two different ones.

        An odd spelling that Better-Auth takes and we don't signs nobody in, but it counts as one
        of the two: so we never name one person where the main site names another.
        """
        return _only(self._proved(cookie_header))

    def is_foreign(self, cookie_header: str | None) -> bool:
        """Tell of a header that proves nothing whether it has a cookie of the right name and shape.

        Somebody forged it, or the main site signs with another secret than ours.
        """
        return any(_signed_values(cookie_header, self.name))

    def sign(self, token: str) -> str:
        """Give the signature of a session token: 44 characters of standard base64."""
        digest = hmac.digest(self.secret.encode(), token.encode(), hashlib.sha256)
        return base64.b64encode(digest).decode()

    def _proved(self, cookie_header: str | None) -> Iterator[tuple[str, bool]]:
        for one in _signed_values(cookie_header, self.name):
            ours = self.sign(one.token)
            is_exact = hmac.compare_digest(one.signature, ours)
            if is_exact or hmac.compare_digest(*map(base64.b64decode, (one.signature, ours))):
                yield one.token, is_exact and one.as_named


@dataclass(frozen=True)
class ForwardedCookie:
    """The session cookie as it is passed on to the main site, which alone can judge it.

    With a `verifier` a forged one is refused here already; without one only the shape is checked, so
    what this gives proves nothing until the main site has answered.
    """

    name: str
    verifier: SessionCookie | None = None

    def token(self, cookie_header: str | None) -> str | None:
        """Give the cookie's decoded value ``token.signature``, or None.

        Raises `AmbiguousSession` as `SessionCookie.token` does; without a verifier already for two
        different values, whatever they are worth.
        """
        if self.verifier:
            token = self.verifier.token(cookie_header)
            return token and f"{token}.{self.verifier.sign(token)}"
        signed = _signed_values(cookie_header, self.name)
        return _only((f"{one.token}.{one.signature}", one.as_named) for one in signed)

    def is_foreign(self, cookie_header: str | None) -> bool:
        """Tell what `SessionCookie.is_foreign` does; without a verifier nobody here can."""
        return self.verifier is not None and self.verifier.is_foreign(cookie_header)

    def header(self, token: str) -> str:
        """Give the Cookie header that passes on what `token()` gave: this one cookie, no other."""
        return f"{self.name}={quote(token, safe='')}"


class _Signed(NamedTuple):
    """A cookie of the session cookie's shape; `as_named`: its name stands as browsers send it.

    A browser keeps what ``__Secure-`` promises for the very name only. With a no-break space before
    it, which better-call trims, a sibling subdomain may set it.
    """

    token: str
    signature: str
    as_named: bool


def _only(read: Iterable[tuple[str, bool]]) -> str | None:
    """Give the one value that was read, if it was read once at least as it should be."""
    values = list(read)
    if any(value != values[0][0] for value, _ in values):
        raise AmbiguousSession
    return next((value for value, is_exact in values if is_exact), None)


def _signed_values(cookie_header: str | None, name: str) -> Iterator[_Signed]:
    for pair in (cookie_header or "").split(";"):
        key, equals, value = pair.partition("=")
        if not equals or key.strip(_BLANK) != name:
            continue
        token, _, signature = _decoded(value.strip(_BLANK)).rpartition(".")
        # PostgreSQL's text cannot hold NUL, nor UTF-8 a lone surrogate: no session has such a token.
        if token and _SIGNATURE.fullmatch(signature) and not _UNSTORABLE.search(token):
            yield _Signed(token, signature, key.rstrip(_BLANK).lstrip(" \t") == name)


def _decoded(value: str) -> str:
    """Undo one pair of double quotes and one percent-encoding, as better-call 1.4.5 does.

    It looks at the opening quote only, and takes the last character for the closing one. What
    cannot be decoded stays as it is, so it fails at the signature.
    """
    if value.startswith('"'):
        value = value[1:-1]
    if "%" not in value or _BAD_ESCAPE.search(value):
        return value
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value
