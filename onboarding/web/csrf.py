"""Proof that a form was sent from a page of ours, without a cookie of our own.

Two independent checks. The browser's own word comes first: a sibling subdomain's forged post
carries the session cookie, but never `Sec-Fetch-Site: same-origin`. Then a token: an HMAC over the
session token, so it is worth nothing for anybody else's session.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from enum import Enum

from werkzeug.datastructures import Headers

from onboarding.web.keys import derived_key

# Long enough for a tab left open overnight; a stale token costs a second press, nothing more.
LIFETIME_S = 24 * 3600

# Two instances' clocks may differ; without a tolerance 0.4 s of skew refused honest forms.
CLOCK_SKEW_S = 60

_OTHER_SITES = {"same-site", "cross-site", "none"}
_NO_ORIGINS = {None: "it has no Origin", "null": "its Origin is null"}

_TOKEN = re.compile(r"([0-9a-f]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Proof(Enum):
    """What a token proves."""

    VALID = "sent from our page, in this session"
    STALE = "sent from our page, in this session, too long ago"
    NONE = "nothing"


class CsrfTokens:
    """Issues and judges the tokens. `secret` is the main site's; the key is derived from it."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._key = derived_key(secret, "onboarding csrf 1")
        self._clock = clock

    def issue(self, session_token: str) -> str:
        """Give a token for a page shown in this session."""
        return self._token(f"{int(self._clock()):x}", session_token)

    def judge(self, token: str, session_token: str) -> Proof:
        """Tell what `token`, a form's own word, proves about this session."""
        match = _TOKEN.fullmatch(token)
        if not match or not hmac.compare_digest(self._token(match[1], session_token), token):
            return Proof.NONE
        age = self._clock() - int(match[1], 16)
        return Proof.VALID if -CLOCK_SKEW_S <= age <= LIFETIME_S else Proof.STALE

    def _token(self, issued: str, session_token: str) -> str:
        digest = hmac.digest(self._key, f"{issued}.{session_token}".encode(), hashlib.sha256)
        return f"{issued}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def foreign_by(headers: Headers, origin: str) -> str | None:
    """Tell by what the browser says that no page of `origin` sent this request; None if one did.

    `Sec-Fetch-Site` decides where it is sent, and only ``same-origin`` passes: a sibling subdomain
    is ``same-site``. Older browsers and plain http leave it out; then `Origin` must be ours, which
    ``null`` never is.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        # Of another word anybody could make a long line of the log.
        shown = site if site in _OTHER_SITES else "another word"
        return None if site == "same-origin" else f"its Sec-Fetch-Site is {shown}"
    sent = headers.get("Origin")
    if sent == origin:
        return None
    return _NO_ORIGINS.get(sent, "its Origin isn't that of APP_URL")
