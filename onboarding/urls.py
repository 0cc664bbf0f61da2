"""URLs: their origins, and which of them a redirect may lead to.

What is not plainly allowed is refused, never repaired, but for spaces and letters beyond ASCII.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

# A target travels percent-encoded inside our own URLs, sometimes twice over. Those must stay below the
# server's limit of 8190 bytes for a request line.
LONGEST_TARGET = 1000

# Browsers drop tabs and newlines inside a URL and read "\" as "/": a URL with one of them is not what
# it seems to be.
_DECEPTIVE = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")

_ENCODED_IN_URLS = re.compile(r"[ \xa0-\ud7ff\ue000-\U0010ffff]+")

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str | None:
    """Return the origin of an absolute http(s) URL as a browser writes it (RFC 6454), or None.

    ``HTTPS://Example.com:443/a`` has the origin ``https://example.com``. Anything else has none: another
    scheme, no host, userinfo, deceptive characters, a bad port.
    """
    if _DECEPTIVE.search(url) or not url.isascii():
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not host or port == 0:
        return None
    if not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:.]+", host):
        return None
    try:
        # Browsers refuse a name that only looks like an internationalised one.
        host.encode().decode("idna")
    except UnicodeError:
        return None
    name = f"[{host}]" if ":" in host else host
    # Only a host and a port: urlsplit also accepts userinfo, "x[::1]" and "[v1.host]".
    if not re.fullmatch(re.escape(name) + r"(:[0-9]*)?", parts.netloc.lower()):
        return None
    is_default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{name}" + ("" if is_default else f":{port}")


def percent_encoded(url: str) -> str:
    """Return `url` with spaces and letters beyond ASCII percent-encoded, as a browser does (WHATWG URL).

    Lone surrogates and control characters stay as they are: such a URL is deceptive.
    """
    return _ENCODED_IN_URLS.sub(lambda found: quote(found[0]), url.strip(" "))


def is_local_path(target: str) -> bool:
    """Return whether `target` is a path on this site and nothing else: ``/path?query``."""
    return (
        len(target) <= LONGEST_TARGET
        and target.startswith("/")
        and not target.startswith("//")
        and not _DECEPTIVE.search(target)
        and target.isascii()
    )


def is_on_origin(url: str, origins: Collection[str]) -> bool:
    """Return whether `url` is an absolute URL on one of the `origins`, and short enough to travel."""
    return len(url) <= LONGEST_TARGET and origin_of(url) in origins


def is_loopback(origin: str) -> bool:
    """Return whether an origin is this machine's own, where plain http is safe."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
