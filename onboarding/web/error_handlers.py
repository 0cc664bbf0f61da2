"""Answers every error in one place: a page for people, problem+json (RFC 9457) for programs.

Nothing internal is shown. The request's id is on the page, as a reference, and in the log line.
"""

import json
import logging

from flask import Flask, request
from werkzeug.exceptions import BadHost, HTTPException, InternalServerError, MethodNotAllowed
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response

from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.database import RETRY_AFTER_S, Unavailable
from onboarding.identity import MainSiteUnavailable
from onboarding.web import errors
from onboarding.web.areas import Area, area_of
from onboarding.web.errors import ForeignRequest, RequestError, ServiceUnavailable
from onboarding.web.fetch_metadata import foreign_reason
from onboarding.web.languages import THE_SITE
from onboarding.web.page_query import form_answers, page_query
from onboarding.web.rendering import render_page
from onboarding.web.request_log import request_id
from onboarding.web.security_headers import is_api_call
from onboarding.web.services import services

log = logging.getLogger(__name__)

_BY_STATUS: dict[int, type[RequestError]] = {
    error.status: error
    for error in (
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.TooLarge,
    )
}


def init_error_handlers(app: Flask) -> None:
    """Register the handlers of every error with `app`."""
    app.register_error_handler(RequestError, _handle)
    app.register_error_handler(HTTPException, _handle_http)
    app.register_error_handler(Unavailable, _handle_unavailable)
    app.register_error_handler(InternalServerError, _handle_unexpected)


def _handle(error: RequestError) -> Response:
    _log(error)
    return _respond(error)


def _handle_http(http: HTTPException) -> Response | HTTPException:
    """Return the response to an error of Werkzeug's; a redirect stays as it is."""
    if http.code is None or http.code < 400:
        return http
    error = _BY_STATUS.get(http.code, RequestError)()
    _log(error, http.code)
    response = _respond(error, http.code)
    if isinstance(http, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(http.valid_methods or ())
    return response


def _handle_unavailable(unavailable: Unavailable) -> Response:
    log.error("unavailable: %s", unavailable, extra={"status": 503})
    is_main_site = isinstance(unavailable, MainSiteUnavailable)
    error = errors.MainSiteSilent if is_main_site else ServiceUnavailable
    return _respond(error(unavailable.retry_after_s))


def _handle_unexpected(_: InternalServerError) -> Response:
    """Return a 503, though the fault is here: every save is safe to send again. Flask logs the traceback."""
    return _respond(ServiceUnavailable(RETRY_AFTER_S))


def _respond(error: RequestError, status: int | None = None) -> Response:
    status = status or error.status
    if _wants_json():
        response = _problem_json(error, status)
    elif isinstance(request.routing_exception, BadHost):
        # Flask makes no URL for a page under a host name that can't be one.
        response = _plain_page(error, status)
    else:
        response = _page(error, status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _problem_json(error: RequestError, status: int) -> Response:
    """Titles and details stay English, as all of our JSON: developers and their programs read it."""
    site = services().settings.site_name or THE_SITE
    text = f"{error.title}. {error.advice}" % {"site": site}
    body = {
        "type": "about:blank",
        "title": HTTP_STATUS_CODES.get(status, "Error"),
        "status": status,
        "detail": error.detail if error.detail and is_api_call() else text,
        "instance": f"urn:onboarding:{request_id()}",
        **error.members,
    }
    return Response(json.dumps(body), status, mimetype="application/problem+json")


def _page(error: RequestError, status: int) -> Response:
    """Return a page that leads back: by a link with the answers, or by sending the form again."""
    try:
        query = page_query()
        retry_url = back_url = None
        if request.endpoint and area_of(request.endpoint) in (Area.WIZARD, Area.PROFILE):
            back_url = query.with_form_answers().here()
            if error.can_retry and request.method == "POST":
                retry_url = query.here()
        return render_page(
            "error.html",
            status,
            error=error,
            reference=request_id(),
            back_url=back_url,
            retry_url=retry_url,
            home_url=query.without_answers().url_for("profile.home"),
            form_answers=form_answers(),
            retry_token=_retry_token(),
        )
    except Exception as fault:
        log.error("failed", extra={"status": 503}, exc_info=fault)
        response = _plain_page(ServiceUnavailable(RETRY_AFTER_S), 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response


def _plain_page(error: RequestError, status: int) -> Response:
    """Return a page that needs no template, catalogue or URL, for when one of those is the fault."""
    html = (
        f'<!doctype html><html lang="en"><title>{error.title}</title><h1>{error.title}</h1>'
        f"<p>{error.advice}</p><p>{request_id()}</p>"
    )
    return Response(html, status, mimetype="text/html")


def _retry_token() -> str | None:
    """Return a CSRF token for sending the form again. The cookie alone is enough for it."""
    settings = services().settings
    if foreign_reason(settings.app_origin) is not None:
        return None
    try:
        token = settings.session_cookie.token(request.headers.get("Cookie"))
    except AmbiguousSession:
        return None
    return services().csrf.issue(token) if token else None


def _wants_json() -> bool:
    if is_api_call():
        return True
    accept = request.accept_mimetypes
    return accept["application/json"] > accept["text/html"]


def _log(error: RequestError, status: int | None = None) -> None:
    # Pages of the main site may call the API for every visitor, signed in or not.
    level = logging.DEBUG if isinstance(error, errors.Unauthorized) else logging.INFO
    reason = f": {error.reason}" if error.reason else ""
    if isinstance(error, ForeignRequest):
        count = services().log_throttle.count(error.reason)
        reason += f" ({count} since the last such line)" if count else ""
        level = logging.INFO if count else logging.DEBUG
    log.log(level, "refused%s", reason, extra={"status": status or error.status})
