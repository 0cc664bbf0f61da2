"""The language of each answer: the one that the address asks for, else the browser's, else English."""

from functools import lru_cache
from typing import Any

from babel import Locale
from flask import request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from onboarding.languages import Languages, tag_of
from onboarding.web.current import parts
from onboarding.web.journey import Journey

_KEPT = "onboarding.language"
_LONGEST_KEPT = 200


def language() -> Locale:
    """Give the language of the current request: looked for once, as `Journey.of_request` is."""
    environ = request.environ
    kept: Locale | None = environ.get(_KEPT)
    if kept is None:
        wanted = Journey.of_request().lang
        accepted = environ.get("HTTP_ACCEPT_LANGUAGE", "")
        choose = _choose if len(accepted) <= _LONGEST_KEPT else _choose.__wrapped__
        kept = environ[_KEPT] = choose(parts().languages, wanted, accepted)
    return kept


@lru_cache(maxsize=256)  # browsers say the same few things; to parse one took 17 µs of a page
def _choose(languages: Languages, wanted: str | None, accepted: str) -> Locale:
    tags = parse_accept_header(accepted, LanguageAccept)
    return languages.choose(wanted, [tag for tag, quality in tags if quality > 0])


def text(template: str, **values: Any) -> str:
    """Give a page in the language of the current request."""
    return parts().pages.render(template, language(), values)


def spoken() -> dict[str, str]:
    """Give the headers that say in which language a page is. Redirects and JSON have none."""
    return {"Content-Language": tag_of(language()), "Vary": "Accept-Language, Cookie"}


def render(template: str, status: int = 200, **values: Any) -> Response:
    """Answer with a page in the language of the current request."""
    return Response(text(template, **values), status, spoken(), mimetype="text/html")
