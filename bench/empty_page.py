"""The app with one more page, `/empty`: one word under the headers of the app's other pages."""

from collections.abc import Iterable
from typing import Any

from wsgi import app as onboarding

PAGE = b'<!doctype html><html lang="en"><title>Empty</title><p>Empty'


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer `/empty` here, and all else by the app."""
    if environ["PATH_INFO"] != "/empty":
        return onboarding(environ, start_response)

    def start_empty(_status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        others = [header for header in headers if header[0].title() != "Content-Length"]
        return start_response("200 OK", [*others, ("Content-Length", str(len(PAGE)))])

    list(onboarding(environ | {"PATH_INFO": "/signed-out"}, start_empty))
    return [PAGE]
