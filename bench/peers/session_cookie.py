"""Better-Auth's session cookie, verified the short way that a careful Python programmer writes."""

import base64
import hashlib
import hmac
import os
from urllib.parse import unquote

NAME = "better-auth.session_token"
SECRET = os.environ["BETTER_AUTH_SECRET"].encode()


def verified(value: str | None) -> str | None:
    """Return the session token of a cookie's value, or None."""
    token, _, signature = unquote(value or "").rpartition(".")
    expected = base64.b64encode(hmac.digest(SECRET, token.encode(), hashlib.sha256)).decode()
    return token if token and hmac.compare_digest(expected, signature) else None
