"""Where Better-Auth answers, by its base URL."""

from urllib.parse import urlsplit


def get_session_url(base_url: str) -> str:
    """Give the address of `get-session` under a main site's base URL.

    As Better-Auth reads the base URL (1.7.25, source): its path is where the endpoints are, and
    ``/api/auth`` where it has none.
    """
    url = urlsplit(base_url)
    path = url.path.rstrip("/") or "/api/auth"
    return url._replace(path=f"{path}/get-session", query="", fragment="").geturl()
