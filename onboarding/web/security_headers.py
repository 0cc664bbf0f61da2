"""The headers that every response carries: pages, errors, redirects, JSON and static files."""

from flask import Flask, Response, request

from onboarding.settings import Settings

# So little can be loaded that an injected tag has nothing to do. The style sheets stand in the page, each
# allowed by the hash of its text; no other style is.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors}"
)

# Some CDNs rewrite pages: a style sheet that was rewritten doesn't match its hash. And the token in a
# compressed form can be guessed (BREACH).
_PERSONAL = {"Cache-Control": "no-store, no-transform", "Vary": "Cookie"}

_API = "/api/"
# How long a browser may remember the answer to a preflight.
_PREFLIGHT_MAX_AGE_S = 600


def init_security_headers(app: Flask, settings: Settings, style_sources: tuple[str, ...]) -> None:
    """Add the headers to every response. A header that a view has set stays."""
    fixed = _fixed_headers(settings, style_sources)

    @app.after_request
    def add_headers(response: Response) -> Response:
        more = _api_headers(response, settings) if is_api_call() else _PERSONAL
        present = {name.lower() for name, _ in response.headers}
        # Added at once: one by one by setdefault they take a tenth of a page's time.
        response.headers.extend(
            [
                (name, value)
                for name, value in (*fixed.items(), *more.items())
                if name.lower() not in present
            ]
        )
        return response


def is_api_call() -> bool:
    """Return whether the request is a call of the API, or of a URL below it."""
    return request.path.startswith(_API)


def _fixed_headers(settings: Settings, style_sources: tuple[str, ...]) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": _POLICY.format(
            styles=" ".join(style_sources),
            ancestors=" ".join(settings.embed_origins) or "'none'",
        ),
        # A page with COEP require-corp frames only pages that send both of these.
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-site",
        # No page that opened this one, or was opened by it, keeps a reference to it. A frame has no opener.
        "Cross-Origin-Opener-Policy": "same-origin",
        # Not no-referrer: it makes a browser post our own forms with "Origin: null".
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if not settings.embed_origins:
        headers["X-Frame-Options"] = "DENY"
    if settings.app_origin.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return headers


def _api_headers(response: Response, settings: Settings) -> dict[str, str]:
    """Return what lets pages of the listed origins read the response, errors too, with the user's cookie.

    Only the user's own browser may keep it, and checks each time. `Vary` is on every response: one
    that was kept for an origin must not serve another.
    """
    headers = {
        "Cache-Control": "no-store" if response.status_code >= 400 else "private, no-cache",
        "Vary": "Cookie, Origin",
    }
    origin = request.headers.get("Origin")
    if origin not in settings.caller_origins:
        return headers
    headers |= {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "ETag, Retry-After",
    }
    if request.method == "OPTIONS":
        headers |= {
            "Access-Control-Allow-Methods": response.headers.get("Allow", ""),
            "Access-Control-Allow-Headers": "Content-Type, If-Match, If-None-Match",
            "Access-Control-Max-Age": str(_PREFLIGHT_MAX_AGE_S),
        }
    return headers
