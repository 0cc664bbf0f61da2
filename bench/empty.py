"""The app, with two pages of one word and nothing else: what a paint costs at least.

`/empty` has the headers that every answer of ours has, `/bare` has none. They differ by what a browser
does for a page that shares its process with no other one (`Cross-Origin-Opener-Policy`): it starts one.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from onboarding.web.headers import headers_for
from wsgi import app as served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PAGE = b'<!doctype html><html lang="en"><title>Empty</title><p>Empty'
_PLAIN = [("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE)))]
_parts = served.extensions["onboarding"]
_HEADERS = {
    "/bare": _PLAIN,
    "/empty": [*_PLAIN, *headers_for(_parts.settings, _parts.assets).items()],
}


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer `/empty` and `/bare` here, and all else by the app."""
    headers = _HEADERS.get(environ["PATH_INFO"])
    if headers is None:
        return served(environ, start_response)
    start_response("200 OK", headers)
    return [_PAGE]
