"""CSRF tokens without a cookie of our own: an HMAC over the session token.

The gate judges them, beside what `fetch_metadata` says; templates get one by ``csrf_token()``.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from enum import Enum

# A tab that was left open overnight still works. A stale token costs a second press, nothing more.
LIFETIME_S = 24 * 3600

# The clocks of two instances may differ. Without a tolerance 0.4 s of skew refused honest forms.
CLOCK_SKEW_S = 60

_TOKEN = re.compile(r"([0-9a-f]{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


class TokenState(Enum):
    """What a token proves about a session."""

    VALID = "from our page, in this session"
    STALE = "from our page, in this session, too long ago"
    INVALID = "nothing"


class CsrfTokens:
    """Issues and checks tokens. `key` is 32 bytes, derived from the main site's secret."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def issue(self, session_token: str) -> str:
        """Return a token for a page of this session: ``<hex seconds>.<base64url HMAC-SHA-256>``."""
        return self._token(f"{int(self._clock()):x}", session_token)

    def check(self, token: str, session_token: str) -> TokenState:
        """Return what `token`, sent with a form, proves about this session."""
        match = _TOKEN.fullmatch(token)
        if not match or not hmac.compare_digest(self._token(match[1], session_token), token):
            return TokenState.INVALID
        age = self._clock() - int(match[1], 16)
        is_fresh = -CLOCK_SKEW_S <= age <= LIFETIME_S
        return TokenState.VALID if is_fresh else TokenState.STALE

    def _token(self, issued: str, session_token: str) -> str:
        digest = hmac.digest(self._key, f"{issued}.{session_token}".encode(), hashlib.sha256)
        return f"{issued}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
