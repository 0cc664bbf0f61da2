"""What log lines say about the current request, and what they must not say."""

import re
import secrets

from flask import g, has_request_context, request

from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.logs import LogContext
from onboarding.web.services import current_identity, pseudonym, services

# The ids that proxies make: nginx's 32 hex digits, a UUID, AWS's with dashes.
_PROXY_ID = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)
# Our own paths are far shorter.
_LONGEST_PATH = 200


def request_id() -> str:
    """Return the id of the current request: a trusted proxy's, else 8 hex digits of our own."""
    if "request_id" not in g:
        trusts_proxy = services().settings.forwarded_proxies
        given = request.headers.get("X-Request-ID", "") if trusts_proxy else ""
        g.request_id = given if _PROXY_ID.fullmatch(given) else secrets.token_hex(4)
    found: str = g.request_id
    return found


def log_context() -> LogContext:
    """Return the facts of the current request; none outside of one.

    The path goes without its query, which may hold answers and return addresses.
    """
    if not has_request_context():
        return LogContext()
    user = current_identity().user
    facts = {
        "request_id": request_id(),
        **({"user": pseudonym(user.user_id)} if user else {}),
        "method": request.method,
        "path": request.path[:_LONGEST_PATH],
    }
    return LogContext(facts, _session_secrets())


def _session_secrets() -> list[str]:
    try:
        token = services().settings.session_cookie.token(request.headers.get("Cookie"))
    except AmbiguousSession:
        return []
    # A forwarded token has its signature behind it.
    return [token, token.partition(".")[0]] if token else []
