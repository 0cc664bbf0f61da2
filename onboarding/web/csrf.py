"""CSRF tokens without a cookie of our own: an HMAC over the session token, and one over the user id.

Only the first lets a form save. The second tells a user who has signed in again meanwhile from
another user: they get their form back with its answer. The gate judges them, beside what `fetch_metadata` says; templates get one by ``csrf_token()``.
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

_HMAC = r"([A-Za-z0-9_-]{43})"
_TOKEN = re.compile(rf"([0-9a-f]{{1,12}})\.{_HMAC}(?:\.{_HMAC})?", re.ASCII)


class TokenState(Enum):
    """What a token that came with a form is."""

    VALID = "of this session"
    STALE = "too old, or a clock is wrong"
    OTHER_SESSION = "of another session of this user"
    INVALID = "of nobody here"


class CsrfTokens:
    """Issues and checks tokens. `key` is 32 bytes, derived from the main site's secret."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock = clock

    def issue(self, session_token: str, user_id: str | None = None) -> str:
        """Return a token for a page of this session: ``<hex seconds>.<session's HMAC>.<user's HMAC>``.

        Without the user it has no third part. An HMAC is 43 characters: HMAC-SHA-256 in base64url.
        """
        issued = f"{int(self._clock()):x}"
        token = f"{issued}.{self._hmac(issued, session_token)}"
        return f"{token}.{self._hmac(f'{issued}.user', user_id)}" if user_id else token

    def check(self, token: str, session_token: str, user_id: str) -> TokenState:
        """Return what `token`, sent with a form, proves about this session."""
        match = _TOKEN.fullmatch(token)
        if not match:
            return TokenState.INVALID
        issued, of_session, of_user = match.groups()
        if hmac.compare_digest(of_session, self._hmac(issued, session_token)):
            age = self._clock() - int(issued, 16)
            is_fresh = -CLOCK_SKEW_S <= age <= LIFETIME_S
            return TokenState.VALID if is_fresh else TokenState.STALE
        if of_user and hmac.compare_digest(of_user, self._hmac(f"{issued}.user", user_id)):
            return TokenState.OTHER_SESSION
        return TokenState.INVALID

    def _hmac(self, label: str, text: str) -> str:
        digest = hmac.digest(self._key, f"{label}.{text}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
