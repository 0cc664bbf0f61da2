"""What our own URLs carry in their query from page to page, so that no cookie of ours is needed.

The query is the visitor's word: parsed on every request, and dropped where it doesn't parse.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import g, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from onboarding.questions import Question
from onboarding.web.redirect_targets import allowed_next, allowed_return_to
from onboarding.web.services import services

# As Flask leaves them; quoted, they would push long targets over the limit of a request line.
_UNQUOTED = "!$'()*,/:;?@"

_SIGNED_IN = "signed_in"

FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class PageQuery:
    """The parameters that pages pass on.

    `answers` are those that no row can hold yet (all answer columns are NOT NULL) or that the main
    site proposes. `next` is the page that was requested; `return_to` the main site's page to go back
    to; `theme` and `lang` how pages look and read.
    """

    answers: Mapping[str, str]
    next: str | None = None
    return_to: str | None = None
    theme: str | None = None
    lang: str | None = None

    @classmethod
    def parse(cls, args: MultiDict[str, str]) -> Self:
        """Return what a query says; what doesn't parse isn't there."""
        return cls(
            answers=services().questionnaire.parse(args.to_dict(flat=False)),
            next=allowed_next(single(args, "next")),
            return_to=allowed_return_to(single(args, "return_to")),
            theme=_known_theme(single(args, "theme")),
            lang=services().languages.known_tag(single(args, "lang")),
        )

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Return what the query of a URL says."""
        return cls.parse(MultiDict(parse_qsl(urlsplit(url).query)))

    def with_answers(self, answers: Mapping[str, str]) -> Self:
        """Return the same query with exactly these answers."""
        return replace(self, answers=answers)

    def with_form_answers(self) -> Self:
        """Return the same query with the answers of the request's form over its own."""
        return self.with_answers({**self.answers, **form_answers()})

    def without_answers(self) -> Self:
        """Return what is left of the query when nothing is to be answered any more."""
        return replace(self, answers={}, next=None)

    def appearance(self) -> dict[str, Any]:
        """Return the parameters that say how a page looks and reads."""
        return {"theme": self.theme, "lang": self.lang}

    def parameters(self) -> dict[str, str]:
        """Return the query as URL parameters."""
        more = {"next": self.next, "return_to": self.return_to, **self.appearance()}
        return {**self.answers, **{name: text for name, text in more.items() if text}}

    def url_for(
        self,
        endpoint: str,
        *,
        question: Question | None = None,
        anchor: str | None = None,
        **more: object,
    ) -> str:
        """Return the local URL of an endpoint with this query and `more` parameters.

        The parameters don't go through Flask's `url_for`: a question may have any name.
        """
        path = url_for(endpoint, question=question) if question else url_for(endpoint)
        parameters = {**self.parameters(), **more}
        given = {name: value for name, value in parameters.items() if value is not None}
        query = f"?{urlencode(given, safe=_UNQUOTED)}" if given else ""
        return path + query + (f"#{anchor}" if anchor else "")

    def here(self, *, anchor: str | None = None, **more: object) -> str:
        """Return the current page's own URL with this query."""
        endpoint = request.endpoint or "profile.home"
        question = (request.view_args or {}).get("question")
        return self.url_for(endpoint, question=question, anchor=anchor, **more)


def page_query() -> PageQuery:
    """Return the current request's query, parsed once."""
    if "page_query" not in g:
        g.page_query = PageQuery.parse(request.args) if request.args else PageQuery({})
    found: PageQuery = g.page_query
    return found


def single(values: MultiDict[str, str], name: str) -> str | None:
    """Return the value of a name that occurs exactly once: of two, neither can be trusted."""
    texts = values.getlist(name)
    return texts[0] if len(texts) == 1 else None


def form_answers() -> dict[str, str]:
    """Return the valid answers of the request's form, so that no error loses them."""
    if request.mimetype not in (FORM_TYPE, "multipart/form-data"):
        return {}
    try:
        return services().questionnaire.parse(request.form.to_dict(flat=False))
    except HTTPException:
        # The body is too large to read; its own error page is being made.
        return {}


def is_back_from_sign_in() -> bool:
    """Return whether the sign-in page led here, by an URL of `back_from_sign_in`."""
    return _SIGNED_IN in request.args


def back_from_sign_in() -> str:
    """Return the path and query of the request, marked for the way back from the sign-in page.

    Without the mark a visitor whose cookie doesn't reach this app would be sent there for ever by a main
    site that sends back whoever is signed in.
    """
    path = requested_path()
    return f"{path}{'&' if '?' in path else '?'}{_SIGNED_IN}=1"


def requested_path(without: PageQuery | None = None) -> str:
    """Return the path and query of the request.

    `without` what a query carries beside it: else every redirect would repeat it inside itself.
    """
    query = request.query_string.decode("ascii", "replace")
    if without:
        carried = {*without.parameters(), "return_to", "next", _SIGNED_IN}
        carried -= set(without.appearance())
        query = urlencode([pair for pair in parse_qsl(query) if pair[0] not in carried])
    return f"{request.path}?{query}" if query else request.path


def _known_theme(name: str | None) -> str | None:
    return name if name in services().static_files.styles else None
