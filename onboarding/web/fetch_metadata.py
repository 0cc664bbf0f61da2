"""What the browser says about a request: Fetch Metadata (``Sec-Fetch-…``, W3C) and ``Origin``."""

from flask import request

_FRAMES = {"iframe", "frame", "embed", "object", "fencedframe"}
_OTHER_SITES = {"same-site", "cross-site", "none"}


def is_framed() -> bool:
    """Return whether the request is for a page inside another page."""
    return request.headers.get("Sec-Fetch-Dest") in _FRAMES


def is_top_level() -> bool:
    """Return whether the request is surely for a page in a tab of its own."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def is_cross_site() -> bool:
    """Return whether a page of another site caused the request."""
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def foreign_reason(origin: str) -> str | None:
    """Return why the request can't come from a page of `origin`; None if it does.

    `Sec-Fetch-Site` decides where it is sent, and only ``same-origin`` passes: a sibling subdomain
    sends ``same-site`` together with the session cookie. Older browsers and plain http leave it out;
    then `Origin` must be `origin`, which ``null`` never is.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        # The log must not grow by what a client invents.
        shown = site if site in _OTHER_SITES else "unknown"
        return None if site == "same-origin" else f"its Sec-Fetch-Site is {shown}"
    match request.headers.get("Origin"):
        case None:
            return "it has no Origin"
        case "null":
            return "its Origin is null"
        case sent:
            return None if sent == origin else "its Origin isn't that of APP_URL"
