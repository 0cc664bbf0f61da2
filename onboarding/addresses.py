"""Addresses: which ones we send people to, and which ones may talk to us.

Every redirect target that comes from a request passes through here. The rule is one: what is not
plainly allowed is ignored, never repaired.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

# A target travels percent-encoded inside our own addresses, at times twice over, and those must stay
# below the server's limit of 8190 bytes for a request's first line.
LONGEST_TARGET = 1000

# Browsers drop tabs and newlines inside a URL and read "\" as "/": an address with any of them is
# not the one it seems to be.
_DECEPTIVE = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff]")

_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> str | None:
    """Give the origin of an absolute http(s) URL as a browser writes it (RFC 6454), or None.

    ``HTTPS://Example.com:443/a`` gives ``https://example.com``. None for anything else: another
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
        # A browser goes nowhere with a name that only looks like an internationalised one.
        host.encode().decode("idna")
    except UnicodeError:
        return None
    named = f"[{host}]" if ":" in host else host
    # Nothing but host and port: urlsplit also reads userinfo, "x[::1]" and "[v1.host]".
    if not re.fullmatch(re.escape(named) + r"(:[0-9]*)?", parts.netloc.lower()):
        return None
    default = port is None or port == _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{named}" + ("" if default else f":{port}")


def is_local_target(target: str) -> bool:
    """Tell whether `target` is a path on this site and nothing else: ``/path?query``."""
    return (
        len(target) <= LONGEST_TARGET
        and target.startswith("/")
        and not target.startswith("//")
        and not _DECEPTIVE.search(target)
        and target.isascii()
    )


def is_target_on(target: str, origins: Collection[str]) -> bool:
    """Tell whether `target` is an absolute URL on one of the `origins`."""
    return len(target) <= LONGEST_TARGET and origin_of(target) in origins


def is_loopback(origin: str) -> bool:
    """Tell whether an origin names this machine, where plain http is safe."""
    host = urlsplit(origin).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
