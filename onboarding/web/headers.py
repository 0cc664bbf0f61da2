"""The headers that every answer carries: errors, redirects and static files too."""

from flask import Flask, request
from werkzeug.wrappers import Response

from onboarding.addresses import origin_of
from onboarding.config import Settings
from onboarding.web.assets import Assets

# So little can be loaded that an injected tag has nothing to do.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action {form_targets}; frame-ancestors {ancestors}"
)

_SHARED = {"static", "embed.script", "looks.theme"}
_FOR_A_WHILE = "public, max-age=300"
_FOR_GOOD = "public, max-age=31536000, immutable"
_FOR_ONE = "private, no-cache"

# Under it everything is for programs: problem+json, and CORS.
_CALLS = "/api/"
# For how long a browser may remember what it may send: the list of origins changes seldom.
_PREFLIGHT_LASTS_S = 600


def add_headers(app: Flask, settings: Settings, assets: Assets) -> None:
    """Put the headers on every answer of `app`."""
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

    policy = fixed.pop("Content-Security-Policy")

    @app.after_request
    def _add(response: Response) -> Response:
        # A page may have its own already (`allow_form_target`). The others only we set.
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.extend(fixed)
        if request.endpoint in _SHARED and response.status_code < 400:
            _let_be_kept(response, assets)
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


def _let_be_kept(response: Response, assets: Assets) -> None:
    """Let caches keep a file that is the same for everybody; for good, where its address tells."""
    otherwise = "no-cache"
    if request.endpoint == "embed.script":
        # Any page may load it; one that checks its hash must be able to read it.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        otherwise = _FOR_A_WHILE
    current = assets.is_current(request.path, request.args.get("v"))
    response.headers["Cache-Control"] = _FOR_GOOD if current else otherwise


def allow_form_target(response: Response, target: str, settings: Settings) -> None:
    """Let the form of this one page lead to another origin's `target`.

    Chromium and WebKit hold `form-action` against the redirect that answers a form post, so a page
    whose form ends at the main site's `return_to` must name its origin.
    """
    response.headers["Content-Security-Policy"] = _policy(settings, f"'self' {origin_of(target)}")


def _policy(settings: Settings, form_targets: str) -> str:
    ancestors = " ".join(settings.embed_origins) or "'none'"
    return _POLICY.format(form_targets=form_targets, ancestors=ancestors)
