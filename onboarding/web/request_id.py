"""Which request is this? One name for the error page and for every line of the log.

Made only when a line or a page needs it: most requests have no name at all.
"""

import re
import secrets

from flask import g, has_request_context, request

from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.logs import Asked
from onboarding.web.current import identity, parts, settings

# What proxies make: nginx's 32 hex digits, a UUID, AWS's with dashes.
_OF_A_PROXY = re.compile(r"[0-9A-Za-z-]{8,64}", re.ASCII)
_KEY = "onboarding_request_id"
# The longest path of ours is far shorter.
_LONGEST_PATH = 200


def request_id() -> str:
    """Give the current request's name: the proxy's, where there is one that we trust, else our own."""
    if _KEY not in g:
        given = request.headers.get("X-Request-ID", "") if settings().forwarded_proxies else ""
        setattr(g, _KEY, given if _OF_A_PROXY.fullmatch(given) else secrets.token_hex(4))
    named: str = getattr(g, _KEY)
    return named


def asked() -> Asked:
    """Give what a line of the log says about the current request, and what it must not say.

    The path goes without its query, which may hold answers and return addresses.
    """
    if not has_request_context():
        return Asked()
    user = identity().user
    facts = {
        "request_id": request_id(),
        **({"user": parts().pseudonyms.of(user.user_id)} if user else {}),
        "method": request.method,
        "path": request.path[:_LONGEST_PATH],
    }
    return Asked(facts, _secrets())


def _secrets() -> list[str]:
    try:
        token = settings().session_cookie.token(request.headers.get("Cookie"))
    except AmbiguousSession:
        return []
    # A forwarded one has its signature behind it.
    return [token, token.partition(".")[0]] if token else []
