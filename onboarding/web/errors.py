"""Every error as a page with a human sentence, or as problem+json where no human looks.

Nothing internal is shown. The request's id stands on the page, as a reference, and in the log line.
"""

import json
import logging
from typing import Any
from urllib.parse import urlencode

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response

from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.database import RETRY_AFTER_S, Unavailable
from onboarding.identity import MainSiteUnavailable
from onboarding.profiles.questions import N_
from onboarding.web.access import Area, area_of
from onboarding.web.csrf import foreign_by
from onboarding.web.current import parts, settings
from onboarding.web.headers import allow_form_target, is_call
from onboarding.web.journey import Journey, typed_answers
from onboarding.web.language import spoken, text
from onboarding.web.pages import THE_SITE
from onboarding.web.refusals import Foreign, Problem, Refused
from onboarding.web.request_id import request_id

log = logging.getLogger(__name__)


# Each status in two short texts: what happened, and what to do.
_TEXTS = {
    400: (
        N_("We could not understand that request"),
        N_("Go back to the page you came from and try again."),
    ),
    401: (N_("You are signed out"), N_("Sign in on %(site)s and come back.")),
    403: (
        N_("This did not come from our page"),
        N_("Nothing was changed. Open the page again and send your answer from there."),
    ),
    404: (
        N_("Page not found"),
        N_("If you typed the address, check that it is right. Otherwise go on from your profile."),
    ),
    405: (N_("This page cannot do that"), N_("Open the page again and go on from there.")),
    409: (
        N_("Your answers are already confirmed"),
        N_("They are final, so nothing was changed. Open your profile to see them."),
    ),
    411: (
        N_("We could not tell how much was sent"),
        N_("Open the page again and send the form from there."),
    ),
    413: (
        N_("That was too much to send"),
        N_("Nothing was changed. Open the page again and choose one answer."),
    ),
    415: (N_("We could not read what was sent"), N_("Open the page again and send the form.")),
    429: (N_("That was too often"), N_("Nothing is lost. Wait a minute and try again.")),
    503: (
        N_("We cannot reach your profile right now"),
        N_("The fault is on our side, and nothing is lost. Wait a moment and try again."),
    ),
}
# What a call of the API did, where the exception itself has no sentence for whoever wrote it.
_CALLS = {
    400: "The request can't be understood as it stands.",
    403: "This call needs an Origin of the main site, of EMBED_ORIGINS or of this app.",
    404: "There is no such address under /api/.",
    405: "This address doesn't take that method; Allow names those that it takes.",
    411: "The body needs a Content-Length; a chunked one isn't read.",
    413: "The body is larger than any profile.",
    429: "This person has saved too often; try again after Retry-After.",
}
# The same request, sent again a little later, will do.
_AGAIN = {429, 503}
_MAIN_SITE_SILENT = (
    N_("We cannot find out who you are"),
    N_(
        "We asked %(site)s, but it is busy or out of reach. Nothing is lost. Wait a moment and try again."
    ),
)


def handle_errors(app: Flask) -> None:
    """Answer every error of `app` in one place."""

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:
            return error
        if error.code >= 500:
            # What went wrong outside a view comes inside one of these.
            return _unexpected(getattr(error, "original_exception", None) or error)
        return _answer(error.get_response(), error.code, error)

    @app.errorhandler(Unavailable)
    def _unavailable(error: Unavailable) -> Response:
        return _answer(Response(), 503, error)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        # A fault of ours, yet still 503: every save is safe to send again, and the log is loud.
        return _answer(Response(), 503, error)


def _answer(response: Any, status: int, error: Exception) -> Response:
    _log(status, error)
    title, sentence = _TEXTS.get(status, _TEXTS[400])
    if isinstance(error, Refused):
        title, sentence = error.title, error.sentence
    if isinstance(error, MainSiteUnavailable):
        title, sentence = _MAIN_SITE_SILENT
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(getattr(error, "retry_after_s", RETRY_AFTER_S))
    if _wants_json():
        response.mimetype = "application/problem+json"
        # English, as the title and as all of our JSON: programs read it, and their makers.
        detail = f"{title}. {sentence}" % {"site": settings().site_name or THE_SITE}
        if isinstance(error, Problem):
            detail = error.detail
        elif is_call() and not isinstance(error, Refused):
            detail = _CALLS.get(status, detail)
        members = error.members if isinstance(error, Problem) else {}
        response.data = json.dumps(
            {
                "type": "about:blank",
                "title": HTTP_STATUS_CODES.get(status, "Error"),
                "status": status,
                "detail": detail,
                "instance": f"urn:onboarding:{request_id()}",
                **members,
            }
        )
    else:
        response.mimetype = "text/html"
        in_new_tab = isinstance(error, Refused) and error.in_new_tab
        try:
            response.data = _page(status, title, sentence, in_new_tab)
            response.headers.update(spoken())
        except Exception as fault:
            _log(503, fault)
            return _bare_page()
        return_to = Journey.of_request().return_to
        if return_to:
            # Sending the form again may lead there.
            allow_form_target(response, return_to, settings(), parts().assets)
    return response  # type: ignore[no-any-return]


def _bare_page() -> Response:
    """A page that needs neither template nor catalogue, for when one of those is the fault."""
    title, sentence = _TEXTS[503]
    html = f'<!doctype html><html lang="en"><title>{title}</title><h1>{title}</h1><p>{sentence}</p><p>{request_id()}</p>'
    return Response(html, 503, {"Retry-After": str(RETRY_AFTER_S)}, mimetype="text/html")


def _page(status: int, title: str, sentence: str, in_new_tab: bool) -> str:
    """A page that leads back: by a link with the answers, or by sending the same form again."""
    typed, journey = typed_answers(), Journey.of_request()
    again = way_back = None
    query = urlencode(journey.at_its_end().query())
    if request.endpoint and area_of(request.endpoint) in (Area.WIZARD, Area.PROFILE):
        way_back = journey.knowing({**journey.answers, **typed}).here()
        if status in _AGAIN and request.method == "POST":
            again = journey.here()
    return text(
        "errors/error.html",
        title=title,
        sentence=sentence,
        reference=request_id(),
        may_try_again=status in _AGAIN,
        way_back=way_back,
        in_new_tab=in_new_tab,
        front_door=f"/?{query}" if query else "/",
        again=again,
        typed={field: answer.value for field, answer in typed.items()},
        csrf_token=_own_token(),
    )


def _own_token() -> str | None:
    """A token for sending the form again, without the database: the cookie alone is enough."""
    if foreign_by(request.headers, settings().app_origin) is not None:
        return None
    try:
        token = settings().session_cookie.token(request.headers.get("Cookie"))
    except AmbiguousSession:
        return None
    return parts().csrf.issue(token) if token else None


def _wants_json() -> bool:
    if is_call():
        return True
    accept = request.accept_mimetypes
    return accept["application/json"] > accept["text/html"]


def _log(status: int, error: Exception) -> None:
    facts = {"status": status}
    if isinstance(error, HTTPException) and status < 500:
        # A reason of our own; Werkzeug's are the same sentence for everybody.
        ours = error.description != type(error).description
        reason = f": {error.description}" if ours else ""
        # Every page of the main site may ask for its visitors' profiles, signed in or not.
        level = logging.DEBUG if status == 401 else logging.INFO
        if isinstance(error, Foreign):
            count = parts().seldom.count(str(error.description))
            reason += f" ({count} since the last such line)" if count else ""
            level = logging.INFO if count else logging.DEBUG
        log.log(level, "refused%s", reason, extra=facts)
    elif isinstance(error, Unavailable):
        log.error("unavailable: %s", error, extra=facts)
    else:
        log.error("failed", extra=facts, exc_info=error)
