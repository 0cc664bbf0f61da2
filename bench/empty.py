"""The app, with a page at `/empty` that has one word and nothing else: what a paint costs at least."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wsgi import app as served

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PAGE = b'<!doctype html><html lang="en"><title>Empty</title><p>Empty'


def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer `/empty` here, and all else by the app."""
    if environ["PATH_INFO"] != "/empty":
        return served(environ, start_response)
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(_PAGE)))])
    return [_PAGE]
