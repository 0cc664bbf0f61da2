"""What travels in the query from page to page, so that no cookie of ours is needed.

The answers known so far that no row can hold yet (both answer columns are NOT NULL), or that the
main site proposes; `next`, the page that was wanted; `return_to`, the main site's page to go back
to; `theme`, the looks it asks for; `lang`, the language. All of it is the visitor's word: parsed
anew on every request, and dropped when it doesn't parse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import current_app, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from onboarding.addresses import is_local_target, is_target_on
from onboarding.languages import tag_of
from onboarding.profiles.questions import Answer, parse_answers
from onboarding.themes import SCHEMES
from onboarding.web.access import Area, area_of
from onboarding.web.current import parts, settings

_KEPT = "onboarding.journey"
FORM_TYPE = "application/x-www-form-urlencoded"
# No form of ours is sent in the second one, but what was typed in it need not be lost.
_READABLE_TYPES = {FORM_TYPE, "multipart/form-data"}


@dataclass(frozen=True)
class Journey:
    """A visitor's way through the wizard: answers by field, and where it leads."""

    answers: Mapping[str, Answer]
    next: str | None
    return_to: str | None
    theme: str | None
    lang: str | None

    @classmethod
    def of_request(cls) -> "Journey":
        """Read the current request's query: once, though gate, view and template all ask for it."""
        # In the WSGI environment, which lives as long as the request, and whose names without HTTP_
        # no client can set.
        environ = request.environ
        kept: Journey | None = environ.get(_KEPT)
        if kept is None:
            # Most pages are asked for without a query, and Werkzeug reads that for 8 µs, too.
            kept = cls.of(request.args) if environ.get("QUERY_STRING") else _NOWHERE
            environ[_KEPT] = kept
        return kept

    @classmethod
    def of_target(cls, target: str) -> "Journey":
        """Read the query of a local address."""
        return cls.of(MultiDict(parse_qsl(urlsplit(target).query)))

    @classmethod
    def of(cls, query: MultiDict[str, str]) -> "Journey":
        """Read a query; what doesn't parse isn't there."""
        texts = single_values(query)
        return cls(
            answers=parse_answers(texts),
            next=_allowed_next(texts.get("next")),
            return_to=_allowed_return(texts.get("return_to")),
            theme=_known_theme(texts.get("theme")),
            lang=_known_language(texts.get("lang")),
        )

    def knowing(self, answers: Mapping[str, Answer]) -> "Journey":
        """Give the same journey with exactly these answers in the query."""
        return replace(self, answers=answers)

    def at_its_end(self) -> "Journey":
        """Give what is left of the journey when nothing is to be answered any more."""
        return replace(self, answers={}, next=None)

    def returning(self, target: str) -> str:
        """Give a local address with this journey's way back in its query."""
        url = urlsplit(target)
        query = [pair for pair in parse_qsl(url.query) if pair[0] != "return_to"]
        if self.return_to:
            query.append(("return_to", self.return_to))
        return url._replace(query=urlencode(query)).geturl()

    def query(self) -> dict[str, str]:
        """Give the journey as query parameters."""
        texts = {field: answer.value for field, answer in self.answers.items()}
        more = {"next": self.next, "return_to": self.return_to, **self.manner()}
        return texts | {name: text for name, text in more.items() if text}

    def manner(self) -> dict[str, Any]:
        """Give how every page is to be shown, as query parameters."""
        return {"theme": self.theme, "lang": self.lang}

    def to(self, endpoint: str, **values: Any) -> str:
        """Give the local address of an endpoint, the journey in its query."""
        return url_for(endpoint, **{**self.query(), **values})

    def here(self, **values: Any) -> str:
        """Give the current page's own address with this journey, for a GET or a POST."""
        return self.to(request.endpoint or "profile.home", **(request.view_args or {}), **values)


_NOWHERE = Journey({}, next=None, return_to=None, theme=None, lang=None)


def word(name: str) -> str | None:
    """Give what the current request's query says by a name, for one page only."""
    return request.args.get(name) if request.environ.get("QUERY_STRING") else None


def typed_answers() -> dict[str, Answer]:
    """Give the answers that the current request's form holds, so that no error loses them."""
    if request.mimetype not in _READABLE_TYPES or "Transfer-Encoding" in request.headers:
        return {}
    try:
        return parse_answers(single_values(request.form))
    except HTTPException:
        # The body is too large to read; its own error page is on the way.
        return {}


def single_values(values: MultiDict[str, str]) -> dict[str, str]:
    """Give the values of the names that occur exactly once: of two, neither can be trusted."""
    return {name: texts[0] for name, texts in values.lists() if len(texts) == 1}


def wanted_path(without: Journey | None = None) -> str:
    """Give the path and query that the current request asked for.

    `without` a journey: less what travels beside it in the query, or every hop would double it.
    """
    query = request.query_string.decode("ascii", "replace")
    if without:
        travelling = {*without.query(), "return_to", "next"} - set(without.manner())
        query = urlencode([pair for pair in parse_qsl(query) if pair[0] not in travelling])
    return f"{request.path}?{query}" if query else request.path


def sign_in_address(return_address: str) -> str:
    """Give the main site's sign-in page with the absolute address to come back to."""
    url = urlsplit(settings().sign_in_url)
    parameter = urlencode({settings().sign_in_return_param: return_address})
    return url._replace(query=f"{url.query}&{parameter}" if url.query else parameter).geturl()


def _allowed_next(target: str | None) -> str | None:
    """Only a page of this app that has a door of its own: what isn't a route isn't a target."""
    if target is None or not is_local_target(target):
        return None
    try:
        endpoint, _ = current_app.url_map.bind("").match(urlsplit(target).path, method="GET")
    except HTTPException:
        return None
    return target if area_of(endpoint) in (Area.WIZARD, Area.PROFILE) else None


def _known_theme(name: str | None) -> str | None:
    return name if name in SCHEMES or name in settings().themes else None


def _known_language(tag: str | None) -> str | None:
    locale = parts().languages.known(tag)
    return tag_of(locale) if locale else None


def _allowed_return(target: str | None) -> str | None:
    allowed = target is not None and is_target_on(target, settings().return_origins)
    return target if allowed else None
