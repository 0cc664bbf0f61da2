"""The gate: runs before every view, for every method, and decides who gets in and who goes where.

It fails closed: an endpoint that isn't listed is guarded, a form without proof is refused, and a
database that doesn't answer makes nobody signed out or onboarded.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response

from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.identity import SESSION_ENDED, UNVERIFIED, Identity, Standing
from onboarding.urls import origin_of
from onboarding.web.areas import Area, area_of
from onboarding.web.chunked_body import is_chunked, read_chunked_body
from onboarding.web.csrf import TokenState
from onboarding.web.errors import (
    BrokenBody,
    Forbidden,
    ForeignRequest,
    Impersonated,
    NotSignedIn,
    RequestError,
    Sandboxed,
    SeveralUsers,
    TooManyAttempts,
    UnsupportedType,
)
from onboarding.web.fetch_metadata import foreign_reason, is_cross_site, is_framed
from onboarding.web.page_query import (
    FORM_TYPE,
    back_from_sign_in,
    form_answers,
    is_back_from_sign_in,
    page_query,
    requested_path,
    single,
)
from onboarding.web.redirect_targets import sign_in_url
from onboarding.web.services import pseudonym, services
from onboarding.web.wizard_steps import known_answers, open_step_url

log = logging.getLogger(__name__)

# Cookies of other paths and domains; each costs a query.
MOST_SESSIONS = 3
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_SIGNED_IN = {Standing.NOT_ONBOARDED, Standing.ONBOARDED}
# Why somebody isn't signed in here although the main site may think so; `/signed-out` explains it.
_REASONS = {
    Standing.UNVERIFIED: "unverified",
    Standing.SESSION_ENDED: "session-ended",
    Standing.BANNED: "banned",
    Standing.ANONYMOUS: "anonymous",
}


class Kind(Enum):
    """How a request comes, which decides where a refused one may be sent."""

    TOP = "a page in the browser's own window"
    FRAME = "a page inside another page"
    RETURN = "a page in the browser's own window, on the way back from the sign-in page"
    FORM = "a form that was sent"


class Verdict(Enum):
    """What the gate does with a request."""

    ALLOW = "allow"
    SIGN_IN = "redirect to the main site's sign-in page"
    SIGNED_OUT = "redirect to our own signed-out page"
    UNAUTHORIZED = "refuse with 401"
    WIZARD = "redirect to the wizard's open step"
    PROFILE = "redirect to the profile"


def decide(area: Area, standing: Standing, kind: Kind) -> Verdict:
    """Return the verdict on a request. Every area, standing and kind has exactly one.

    A frame never gets the main site's sign-in page, which identity providers refuse to show there.
    A form is never answered with another origin, which `form-action 'self'` blocks in Chromium and
    WebKit (measured). Whoever the main site may believe to be signed in never goes to its sign-in page
    by a redirect, since it could send them straight back; nor does anybody go there twice in a row.
    """
    if area in (Area.ANY_HOST, Area.OPEN):
        return Verdict.ALLOW
    if standing not in _SIGNED_IN:
        if area is Area.API:
            return Verdict.UNAUTHORIZED
        if kind is Kind.TOP and standing is Standing.SIGNED_OUT:
            return Verdict.SIGN_IN
        return Verdict.SIGNED_OUT
    if area is Area.WIZARD and standing is Standing.ONBOARDED:
        return Verdict.PROFILE
    if area is Area.PROFILE and standing is Standing.NOT_ONBOARDED:
        return Verdict.WIZARD
    return Verdict.ALLOW


def init_gate(app: Flask) -> None:
    """Run the gate before every view of `app`."""
    app.before_request(_gate)


def _gate() -> Response | None:
    area = area_of(request.endpoint) if request.endpoint else None
    if area is not Area.ANY_HOST and not _is_own_host():
        host = request.headers.get("Host", "")[:100]
        raise RequestError(f"its host {host!r} isn't that of APP_URL")
    read_chunked_body()
    is_preflight = area is Area.API and request.method == "OPTIONS"
    if area in (None, Area.ANY_HOST, Area.OPEN) or is_preflight:
        # Flask answers with the view, 404, 405 or, to a preflight, with the allowed methods.
        return None
    is_write = request.method not in _SAFE_METHODS
    if is_write:
        _refuse_foreign(area)
    identity = g.identity = _identify()
    verdict = decide(area, identity.standing, _kind())
    if verdict is not Verdict.ALLOW:
        return _turn_away(verdict, identity)
    if not is_write:
        return None
    _refuse_write(identity)
    return None if area is Area.API else _refuse_unproved_form(identity)


def _refuse_foreign(area: Area | None) -> None:
    """Refuse a write that no allowed page sent.

    A call of the API needs no token. No page of another origin can send an allowed `Origin`, and a
    JSON body makes every browser send a preflight first (Fetch standard, CORS).
    """
    origin = request.headers.get("Origin")
    if area is Area.API:
        if origin not in services().settings.caller_origins:
            raise ForeignRequest("its Origin may not call the API")
        return
    reason = foreign_reason(services().settings.app_origin)
    if reason and is_framed() and origin == "null":
        raise Sandboxed("the sandbox of its frame lacks allow-same-origin")
    if reason:
        raise ForeignRequest(reason)


def _identify() -> Identity:
    cookie, header = services().settings.session_cookie, request.headers.get("Cookie")
    try:
        token = cookie.token(header)
    except AmbiguousSession as ambiguous:
        return _identify_one_user(ambiguous.tokens)
    if token is None and cookie.has_unverified(header):
        _warn(
            "BETTER_AUTH_SECRET doesn't verify the session cookie of %d request(s): forged, "
            "outdated, or not the main site's secret; better-auth-onboarding doctor tells which"
        )
        return UNVERIFIED
    return services().identities.identify(token)


def _identify_one_user(tokens: tuple[str, ...]) -> Identity:
    """Return the identity of the one user whose sessions these are; those that have ended don't count."""
    if len(tokens) > MOST_SESSIONS:
        raise SeveralUsers("its session cookies are too many")
    identities = [services().identities.identify(token) for token in tokens]
    of_users = {one.user.user_id: one for one in reversed(identities) if one.user}
    if len(of_users) > 1 or not tokens:
        log.warning("refused: session cookies of different users in one request")
        raise SeveralUsers
    return next(iter(of_users.values()), SESSION_ENDED)


def _warn(text: str) -> None:
    """Log a warning with a count once in a while, because anybody can cause many of them."""
    if count := services().log_throttle.count(text):
        log.warning(text, count)


def _kind() -> Kind:
    if request.method not in _SAFE_METHODS:
        return Kind.FORM
    if is_framed():
        return Kind.FRAME
    return Kind.RETURN if is_back_from_sign_in() else Kind.TOP


def _is_own_host() -> bool:
    origin = services().settings.app_origin
    scheme, _, own = origin.partition("://")
    host = request.headers.get("Host", "")
    if host == own:
        return True
    # The same host spelled differently: with the scheme's own port, or in capitals.
    return not set("/?#") & set(host) and origin_of(f"{scheme}://{host}") == origin


def _turn_away(verdict: Verdict, identity: Identity) -> Response:
    kind, query = _kind(), page_query()
    match verdict:
        case Verdict.SIGN_IN:
            target = sign_in_url(services().settings.app_origin + back_from_sign_in())
        case Verdict.SIGNED_OUT:
            # The form's answers come along, so that nobody answers twice. return_to travels beside
            # `next`: inside it, a long one would push an answer over the limit.
            wanted = replace(query.with_form_answers(), return_to=None).here()
            target = replace(query, answers={}, next=wanted).url_for(
                "signed_out.page",
                reason=_reason(identity, kind),
                # After a form the focus belongs on the heading; a first load must not take it.
                anchor="h" if kind is Kind.FORM else None,
            )
        case Verdict.WIZARD:
            onward = replace(query, next=requested_path(without=query))
            target = open_step_url(onward, known_answers(onward))
        case Verdict.PROFILE:
            already = 1 if kind is Kind.FORM and _contradicts(identity) else None
            target = query.without_answers().url_for("profile.page", already=already)
        case _:
            raise NotSignedIn(_REASONS.get(identity.standing, "signed-out"))
    return redirect(target, 303)


def _contradicts(identity: Identity) -> bool:
    """Return whether a form has another answer than the final one. A double click hasn't."""
    final: Mapping[str, str] = identity.profile.answers if identity.profile else {}
    return any(final.get(name) != value for name, value in form_answers().items())


def _reason(identity: Identity, kind: Kind) -> str | None:
    if kind is Kind.FORM and identity.standing in (Standing.SIGNED_OUT, Standing.SESSION_ENDED):
        # They were signed in when they opened the page.
        return "expired"
    if kind is Kind.FRAME and identity.standing is Standing.SIGNED_OUT and is_cross_site():
        # No browser sends the main site's Lax cookie here, signed in or not (measured in three).
        return "cross-site"
    if kind is Kind.RETURN and identity.standing is Standing.SIGNED_OUT:
        _warn(
            "%d visitor(s) came back from SIGN_IN_URL without a session cookie; better-auth-onboarding doctor tells why"
        )
        return "no-cookie"
    return _REASONS.get(identity.standing)


def _refuse_write(identity: Identity) -> None:
    """Refuse a write that the user may not make, before its body is read."""
    user = identity.user
    if user is None or user.impersonated:
        raise Impersonated
    wait_s = services().write_limit.wait_s(pseudonym(user.user_id))
    if wait_s:
        raise TooManyAttempts(wait_s)


def _refuse_unproved_form(identity: Identity) -> Response | None:
    if request.mimetype != FORM_TYPE:
        raise UnsupportedType
    if not is_chunked() and len(request.get_data()) != (request.content_length or 0):
        # The connection broke off. gunicorn hands over what came until then, and a confirmation
        # without its last answer would be completed from the draft, for good.
        raise BrokenBody("its body was cut short")
    token = single(request.form, "csrf_token") or ""
    user_id = identity.user.user_id if identity.user else ""
    state = services().csrf.check(token, identity.session_token or "", user_id)
    if state is TokenState.INVALID:
        raise Forbidden("its csrf_token isn't of this user" if token else "it has no csrf_token")
    if state is TokenState.VALID:
        return None
    log.info("sent back: its csrf_token is %s", state.value, extra={"status": 303})
    stale = page_query().with_form_answers()
    return redirect(stale.here(problem="stale", anchor="problem"), 303)
