"""The headers that every answer carries: errors, redirects and static files too."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from wsgiref.headers import Headers as WsgiHeaders

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from onboarding.addresses import origin_of
from onboarding.config import Settings
from onboarding.web.assets import Assets, is_for_other_sites

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# So little can be loaded that an injected tag has nothing to do. The style sheets stand in the page, each
# allowed by the hash of its text, and no other style is: neither an attribute nor a file.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action {form_targets}; frame-ancestors {ancestors}"
)

_FOR_ONE = "private, no-cache"
# Some CDNs minify pages, compress them, or rewrite the e-mail addresses in them: a style sheet that was
# rewritten is another than its hash, and a compressed form's token can be guessed at (BREACH).
_FOR_NOBODY = "no-store, no-transform"

# Under it everything is for programs: problem+json, and CORS.
_CALLS = "/api/"
# For how long a browser may remember what it may send: the list of origins changes seldom.
_PREFLIGHT_LASTS_S = 600


def headers_for(settings: Settings, assets: Assets) -> dict[str, str]:
    """Give the headers that are the same on every answer."""
    fixed = {
        "Content-Security-Policy": _policy(settings, assets, "'self'"),
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


def with_headers(
    answer: "WSGIApplication", settings: Settings, assets: Assets
) -> "WSGIApplication":
    """Add the headers to every answer of a WSGI application; static files get theirs before it.

    What an answer has of its own stays, such as the policy of a page (`allow_form_target`). Here and
    not in Flask, which looks at each header anew: that was a tenth of a page, for what is the same.
    """
    fixed = headers_for(settings, assets)
    # All but a static file is personal: even a redirect depends on who asks.
    for_people = [*fixed.items(), ("Cache-Control", _FOR_NOBODY), ("Vary", "Cookie")]

    def answered(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            all_of_them = for_people
            if _is_for_programs(environ):
                all_of_them = [*fixed.items(), *_for_calls(environ, status, headers, settings)]
            own = {name for name, _ in headers}
            headers += [pair for pair in all_of_them if pair[0] not in own]
            return start_response(status, headers, *error)

        return answer(environ, start)

    return answered


def is_call() -> bool:
    """Tell whether the current request is for a program: a call of the API, or what looks like one."""
    return _is_for_programs(request.environ)


def _is_for_programs(environ: "WSGIEnvironment") -> bool:
    # As Werkzeug looks for the view: any number of slashes at the start is one.
    return f"/{environ['PATH_INFO'].lstrip('/')}".startswith(_CALLS)


def _for_calls(
    environ: "WSGIEnvironment", status: str, headers: list[tuple[str, str]], settings: Settings
) -> Iterator[tuple[str, str]]:
    """Let pages of the listed origins read an answer, errors too, with the visitor's own cookie.

    Only the visitor's own browser may keep it, and asks each time whether it still holds. `Vary`
    stands on every answer: one that was kept for an origin must not serve another.
    """
    yield "Cache-Control", "no-store" if status >= "4" else _FOR_ONE
    yield "Vary", "Cookie, Origin"
    origin = environ.get("HTTP_ORIGIN")
    if origin not in settings.caller_origins:
        return
    yield "Access-Control-Allow-Origin", origin
    yield "Access-Control-Allow-Credentials", "true"
    yield "Access-Control-Expose-Headers", "ETag, Retry-After"
    if environ["REQUEST_METHOD"] == "OPTIONS":
        yield "Access-Control-Allow-Methods", dict(headers).get("Allow", "")
        yield "Access-Control-Allow-Headers", "Content-Type, If-Match, If-None-Match"
        yield "Access-Control-Max-Age", str(_PREFLIGHT_LASTS_S)


def allow_other_sites(headers: Headers | WsgiHeaders, path: str) -> None:
    """Let any page load the file at `path`, if it is the embed script, and read it to check its hash."""
    if is_for_other_sites(path):
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


def allow_form_target(response: Response, target: str, settings: Settings, assets: Assets) -> None:
    """Let the form of this one page lead to another origin's `target`.

    Chromium and WebKit hold `form-action` against the redirect that answers a form post, so a page
    whose form ends at the main site's `return_to` must name its origin.
    """
    targets = f"'self' {origin_of(target)}"
    response.headers["Content-Security-Policy"] = _policy(settings, assets, targets)


def _policy(settings: Settings, assets: Assets, form_targets: str) -> str:
    ancestors = " ".join(settings.embed_origins) or "'none'"
    styles = " ".join(assets.styles)
    return _POLICY.format(styles=styles, form_targets=form_targets, ancestors=ancestors)
