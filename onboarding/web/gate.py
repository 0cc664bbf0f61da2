"""The gate: before every view, of every method. Who is this, may they be here, where else?

It fails closed: an endpoint that nobody listed is guarded, a form without proof is refused, and a
database that doesn't answer makes nobody signed out or onboarded.
"""

import logging
from dataclasses import replace

from flask import Flask, Request, abort, redirect, request, url_for
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from onboarding.addresses import origin_of
from onboarding.betterauth.cookie import AmbiguousSession
from onboarding.config import Settings
from onboarding.identity import UNVERIFIED, Identity, Standing
from onboarding.web.access import Area, Kind, Verdict, area_of, decide
from onboarding.web.csrf import Proof, foreign_by
from onboarding.web.current import Parts, parts, person, set_identity, settings, this_request
from onboarding.web.journey import (
    FORM_TYPE,
    Journey,
    sign_in_address,
    single_values,
    typed_answers,
    wanted_path,
)
from onboarding.web.refusals import Foreign, NotSignedIn, Sandboxed

log = logging.getLogger(__name__)

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# Why somebody isn't in here whom the main site takes for signed in; `/signed-out` explains it.
_REASONS = {
    Standing.UNVERIFIED: "unverified",
    Standing.BANNED: "banned",
    Standing.ANONYMOUS: "anonymous",
}
_FRAMED = {"iframe", "frame", "embed", "object", "fencedframe"}


def guard(app: Flask) -> None:
    """Put the gate before every view of `app`."""
    app.before_request(_gate)


def _gate() -> Response | None:
    # The request itself: each look through Flask's stand-in for it costs as much as a small function.
    asked, ours = this_request(), parts()
    area = area_of(asked.endpoint) if asked.endpoint else None
    if area is not Area.PROBE and not _is_our_host(asked, ours.settings):
        abort(400, f"its host {asked.headers.get('Host', '')[:100]!r} isn't that of APP_URL")
    if "Transfer-Encoding" in asked.headers:
        # A body of unknown length can't be held to the limit before it is read: Werkzeug 3.1.9 cuts
        # a chunked one off there without a word, and a malformed one fails in the middle.
        abort(411)
    if area is None or area in (Area.OPEN, Area.PROBE):
        # Nobody's door: Flask answers with the view, or 404, or 405.
        return None
    if area is Area.API:
        _let_call(asked, ours)
        return None
    is_form = asked.method not in _SAFE_METHODS
    if is_form:
        _refuse_foreign_form(asked, ours.settings)
    identity = _identify(asked, ours)
    verdict = decide(area, identity.standing, _kind(asked))
    if verdict is not Verdict.LET_IN:
        return _turn_away(verdict, identity, asked)
    set_identity(identity)
    if is_form:
        _refuse_too_many()
        return _refuse_unproved_form(identity)
    return None


def _refuse_foreign_form(asked: Request, settings: Settings) -> None:
    reason = foreign_by(asked.headers, settings.app_origin)
    if reason is None:
        return
    if is_framed(asked) and asked.headers.get("Origin") == "null":
        raise Sandboxed("the sandbox of its frame lacks allow-same-origin")
    raise Foreign(reason)


def _let_call(asked: Request, ours: Parts) -> None:
    """Let a call of the API in, or raise. A call is no form: its proof is the Origin alone.

    No page of another origin can send an Origin of ours, and a body of JSON makes every browser ask
    first (Fetch standard, CORS-preflight). That question comes without cookies.
    """
    if asked.method == "OPTIONS":
        return
    writes = asked.method not in _SAFE_METHODS
    if writes and asked.headers.get("Origin") not in ours.settings.caller_origins:
        raise Foreign("its Origin may not call the API")
    identity = _identify(asked, ours)
    if decide(Area.API, identity.standing, _kind(asked)) is not Verdict.LET_IN:
        raise NotSignedIn(_REASONS.get(identity.standing, "signed-out"))
    set_identity(identity)
    if writes:
        _refuse_too_many()


def _refuse_too_many() -> None:
    """Refuse the write of somebody who has done too many, before their body is read."""
    wait_s = parts().writes.wait_s(parts().pseudonyms.of(person().user_id))
    if wait_s:
        raise TooManyRequests(retry_after=wait_s)


def _identify(asked: Request, ours: Parts) -> Identity:
    cookie, header = ours.settings.session_cookie, asked.headers.get("Cookie")
    try:
        token = cookie.token(header)
    except AmbiguousSession:
        log.warning("two valid session cookies of different sessions in one request: refused")
        abort(400)
    if token is None and cookie.is_foreign(header):
        _warn_of_foreign_cookies()
        return UNVERIFIED
    return ours.identities.of(token)


def _warn_of_foreign_cookies() -> None:
    count = parts().seldom.count("foreign cookie")
    if count:
        log.warning(
            "BETTER_AUTH_SECRET doesn't verify the session cookie of %d request(s): forged or "
            "outdated, or it isn't the main site's secret; flask doctor tells which",
            count,
        )


def _kind(asked: Request) -> Kind:
    if asked.method not in _SAFE_METHODS:
        return Kind.FORM
    return Kind.FRAME if is_framed(asked) else Kind.TOP


def is_framed(asked: Request = request) -> bool:
    """Tell whether a request, the current one by itself, is for a page inside another page."""
    return asked.headers.get("Sec-Fetch-Dest") in _FRAMED


def is_alone() -> bool:
    """Tell whether the current request is for a page in a tab of its own, as far as a browser says so."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def _is_our_host(asked: Request, settings: Settings) -> bool:
    scheme, _, ours = settings.app_origin.partition("://")
    host = asked.headers.get("Host", "")
    if host == ours:
        return True
    # Another spelling: with the scheme's own port, in capitals.
    return not set("/?#") & set(host) and origin_of(f"{scheme}://{host}") == settings.app_origin


def _turn_away(verdict: Verdict, identity: Identity, asked: Request) -> Response:
    kind, journey = _kind(asked), Journey.of_request()
    match verdict:
        case Verdict.SIGN_IN:
            target = sign_in_address(settings().app_origin + wanted_path())
        case Verdict.SIGNED_OUT:
            # What was typed comes along, so that nobody answers twice.
            # return_to travels beside it: inside, a long one would push an answer over the limit.
            kept = journey.knowing({**journey.answers, **typed_answers()})
            wanted = replace(kept, return_to=None).here()
            target = url_for(
                "signed_out.page",
                next=wanted,
                return_to=journey.return_to,
                **journey.manner(),
                reason=_reason(identity, kind),
                # After a form the focus belongs on the heading; a first load must not take it.
                _anchor="h" if kind is Kind.FORM else None,
            )
        case Verdict.WIZARD:
            target = replace(journey, next=wanted_path(without=journey)).to("wizard.start")
        case Verdict.PROFILE:
            told = 1 if kind is Kind.FORM and _contradicts(identity) else None
            target = journey.at_its_end().to("profile.page", already=told)
        case _:
            abort(401)
    return redirect(target, 303)


def _contradicts(identity: Identity) -> bool:
    """Tell whether a form came with another answer than the one that is final. A double click doesn't."""
    final = identity.profile.answers.known() if identity.profile else {}
    return any(answer != final[field] for field, answer in typed_answers().items())


def _reason(identity: Identity, kind: Kind) -> str | None:
    if identity.standing in _REASONS:
        return _REASONS[identity.standing]
    if kind is Kind.FORM:
        # They were signed in when they opened the page.
        return "expired"
    if kind is Kind.FRAME and request.headers.get("Sec-Fetch-Site") == "cross-site":
        # No browser sends the main site's Lax cookie here, signed in or not (measured in three).
        return "cross-site"
    return None


def _refuse_unproved_form(identity: Identity) -> Response | None:
    if request.mimetype != FORM_TYPE:
        abort(415)
    if len(request.get_data()) != (request.content_length or 0):
        # The connection broke off. gunicorn hands over what came until then, and a confirmation
        # without its last answer would take the draft's in its place, for good.
        abort(400, "its body was cut short")
    token = single_values(request.form).get("csrf_token", "")
    proof = parts().csrf.judge(token, identity.session_token or "")
    if proof is Proof.NONE:
        abort(403, "its csrf_token isn't of this session" if token else "it has no csrf_token")
    if proof is Proof.VALID:
        return None
    log.info("sent back: its csrf_token is too old, or a clock is wrong", extra={"status": 303})
    journey = Journey.of_request()
    kept = journey.knowing({**journey.answers, **typed_answers()})
    return redirect(kept.here(problem="stale", _anchor="problem"), 303)
