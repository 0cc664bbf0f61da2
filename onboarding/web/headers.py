"""The headers that every answer carries: errors, redirects and static files too."""

from wsgiref.headers import Headers as WsgiHeaders

from flask import Flask, request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from onboarding.addresses import origin_of
from onboarding.config import Settings
from onboarding.web.assets import is_for_other_sites

# So little can be loaded that an injected tag has nothing to do.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action {form_targets}; frame-ancestors {ancestors}"
)

_SHARED = "files.file"
_FOR_ONE = "private, no-cache"

# Under it everything is for programs: problem+json, and CORS.
_CALLS = "/api/"
# For how long a browser may remember what it may send: the list of origins changes seldom.
_PREFLIGHT_LASTS_S = 600


def headers_for(settings: Settings) -> dict[str, str]:
    """Give the headers that are the same on every answer."""
    fixed = {
        "Content-Security-Policy": _policy(settings, "'self'"),
        # A parent page with COEP require-corp frames only pages that send both of these.
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-site",
        # No page that opened ours, or that ours opened, holds on to it. A frame has no opener.
        "Cross-Origin-Opener-Policy": "same-origin",
        # Not no-referrer: it makes a browser post our own forms with "Origin: null".
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if not settings.embed_origins:
        fixed["X-Frame-Options"] = "DENY"
    if settings.app_origin.startswith("https:"):
        fixed["Strict-Transport-Security"] = "max-age=31536000"
    return fixed


def add_headers(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of `app`; static files get theirs before it."""
    fixed = headers_for(settings)

    policy = fixed.pop("Content-Security-Policy")

    @app.after_request
    def _add(response: Response) -> Response:
        # A page may have its own already (`allow_form_target`). The others only we set.
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.extend(fixed)
        if request.endpoint == _SHARED and response.status_code < 400:
            response.headers["Cache-Control"] = "no-cache"
            allow_other_sites(response.headers, request.path)
        elif is_call():
            _let_be_read(response, settings)
        else:
            # All but a static file is personal: even a redirect depends on who asks.
            response.headers["Cache-Control"] = "no-store"
            response.headers.add("Vary", "Cookie")
        return response


def is_call() -> bool:
    """Tell whether the current request is for a program: a call of the API, or what looks like one."""
    return request.path.startswith(_CALLS)


def _let_be_read(response: Response, settings: Settings) -> None:
    """Let pages of the listed origins read an answer, errors too, with the visitor's own cookie.

    Only the visitor's own browser may keep it, and asks each time whether it still holds. `Vary`
    stands on every answer: one that was kept for an origin must not serve another.
    """
    response.headers["Cache-Control"] = "no-store" if response.status_code >= 400 else _FOR_ONE
    response.headers["Vary"] = "Cookie, Origin"
    origin = request.headers.get("Origin")
    if origin not in settings.caller_origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "")
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, If-Match, If-None-Match"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_LASTS_S)


def allow_other_sites(headers: Headers | WsgiHeaders, path: str) -> None:
    """Let any page load the file at `path`, if it is the embed script, and read it to check its hash."""
    if is_for_other_sites(path):
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def allow_form_target(response: Response, target: str, settings: Settings) -> None:
    """Let the form of this one page lead to another origin's `target`.

    Chromium and WebKit hold `form-action` against the redirect that answers a form post, so a page
    whose form ends at the main site's `return_to` must name its origin.
    """
    response.headers["Content-Security-Policy"] = _policy(settings, f"'self' {origin_of(target)}")


def _policy(settings: Settings, form_targets: str) -> str:
    ancestors = " ".join(settings.embed_origins) or "'none'"
    return _POLICY.format(form_targets=form_targets, ancestors=ancestors)
