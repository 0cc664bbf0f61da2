"""Checks that ask the main site over HTTP, from here and without any cookie."""

import ssl
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin, urlsplit

import httpx

from onboarding.betterauth.cookie import SessionCookie
from onboarding.betterauth.get_session import get_session_url, trusts_environment
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, skipped, warning
from onboarding.urls import origin_of

_TIMEOUT_S = 5
_MAX_BYTES = 4096
_MAX_REDIRECTS = 5


class Unreachable(Exception):
    """The main site gave no answer. The message names the URL and the kind of error."""


@dataclass(frozen=True)
class _Answer:
    """The beginning of an answer; `target` is the absolute URL of a redirect, or empty."""

    status: int
    body: str
    target: str


def sign_in_page(installation: Installation) -> Iterator[Finding]:
    """There is a page where users are sent to sign in."""
    settings = installation.settings
    page = _without_query(settings.sign_in_url)
    url = httpx.URL(settings.sign_in_url)
    answer = _follow(
        str(url.copy_add_param(settings.sign_in_return_param, f"{settings.app_origin}/"))
    )
    if answer.status == 404 or answer.status >= 500:
        yield fault(f"{page} answers {answer.status}", "set SIGN_IN_URL to the sign-in page")
    elif answer.target:
        yield ok(f"{page} answers {answer.status} and redirects to {origin_of(answer.target)}")
    elif answer.status >= 400:
        yield warning(
            f"{page} answers {answer.status} from here",
            "open it in a browser that is signed out",
        )
    else:
        yield ok(f"{page} answers {answer.status}")


def get_session(installation: Installation) -> Iterator[Finding]:
    """Better-Auth is where the settings say, and answers nobody with 200 and null."""
    uses_http = installation.uses_http
    # All sessions come from here, or it only shows that BETTER_AUTH_URL is right.
    problem = fault if uses_http else warning
    parameters = {"disableRefresh": "true", "disableCookieCache": "true"}
    url = httpx.URL(installation.settings.session_url).copy_merge_params(parameters)
    address = _without_query(str(url))
    try:
        answer = _ask(str(url))
    except Unreachable as error:
        if not uses_http:
            raise
        yield fault(str(error), "make sure that the app's machine can reach it")
        return
    if (answer.status, answer.body.strip()) == (200, "null"):
        yield ok(f"{address} answers 200 and null")
    elif answer.status in (404, 405) or answer.status < 400:
        yield problem(
            f"{address} answers {answer.status}, not 200 and null: "
            "Better-Auth seems to be under another path",
            "set BETTER_AUTH_URL to the main site's baseURL, with its basePath unless /api/auth"
            + (", or SESSION_URL to its get-session" if uses_http else ""),
        )
    else:
        yield problem(f"{address} answers {answer.status}", "see the main site's log")


def trusted_origin(installation: Installation) -> Iterator[Finding]:
    """The main site lets users return to the app after they have signed in.

    An e-mail verification with an invalid token changes nothing, and Better-Auth checks its
    callbackURL first (1.7.25, measured).
    """
    app = installation.settings.app_origin
    answer = _verify_email(installation, {"token": "none", "callbackURL": f"{app}/"})
    if answer.status == 403 and "INVALID_CALLBACK_URL" in answer.body:
        yield fault(
            f"the main site doesn't trust {app}: signing in for the app ends with 403",
            f'add "{app}" to trustedOrigins there',
        )
    elif answer.status in (302, 303, 307) and origin_of(answer.target) == app:
        yield ok(f"the main site sends users back to {app}")
    else:
        yield skipped("the main site's answer doesn't show whether it trusts this app's origin")


def same_secret(installation: Installation) -> Iterator[Finding]:
    """The main site itself has the app's secret; it is only asked with `--ask-main-site`.

    Better-Auth signs the links in its verification e-mails with the secret that signs its cookies. It
    only calls a link expired if its signature is valid (1.7.25, measured). An expired token allows
    nothing, but it is made with the secret, so it isn't sent unasked.
    """
    verifier = installation.verifier
    if not installation.asks_main_site:
        yield skipped(
            "the main site was not asked", "--ask-main-site sends it a signed, expired token to try"
        )
        return
    answer = _verify_email(installation, {"token": _expired_token(verifier), "callbackURL": "/"})
    if "TOKEN_EXPIRED" in answer.target.upper():
        yield ok("the main site accepts the signature of the app's secret")
    elif "INVALID_TOKEN" in answer.target.upper():
        yield fault(
            "the main site rejects the signature of the app's secret",
            "give this app the main site's secret, letter for letter, in the same variable",
        )
    else:
        yield skipped("the main site's answer doesn't show whether the secrets are the same")


def _expired_token(signer: SessionCookie) -> str:
    """Return a JWT (RFC 7515, HS256) that expired in 1970."""
    content = ".".join(map(_base64url, (b'{"alg":"HS256"}', b'{"exp":1}')))
    return f"{content}.{_base64url(b64decode(signer.sign(content)))}"


def _base64url(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def _verify_email(installation: Installation, parameters: Mapping[str, str]) -> _Answer:
    base = get_session_url(installation.settings.site_url).removesuffix("get-session")
    return _ask(str(httpx.URL(f"{base}verify-email", params=parameters)))


def _follow(url: str) -> _Answer:
    """Ask, and follow redirects while they stay on the same origin."""
    answer = _ask(url)
    for _ in range(_MAX_REDIRECTS):
        if not answer.target or origin_of(answer.target) != origin_of(url):
            break
        answer = _ask(answer.target)
    return answer


def _ask(url: str) -> _Answer:
    """Send a GET on a connection of its own: no answer's cookie goes with the next request."""
    try:
        with httpx.stream(
            "GET",
            url,
            timeout=_TIMEOUT_S,
            headers={"Accept": "*/*", "User-Agent": "onboarding-doctor"},
            trust_env=trusts_environment(url),
            verify=_tls(),
        ) as response:
            body = b""
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) >= _MAX_BYTES:
                    break
    except httpx.HTTPError as error:
        reason = f"{_without_query(url)} can't be reached from here: {type(error).__name__}"
        raise Unreachable(reason) from None
    location = response.headers.get("Location", "") if response.is_redirect else ""
    text = body[:_MAX_BYTES].decode(errors="replace")
    return _Answer(response.status_code, text, _absolute(url, location))


@cache
def _tls() -> ssl.SSLContext:
    # Reading the certificates takes longer than all of the requests.
    return httpx.create_ssl_context()


def _absolute(url: str, location: str) -> str:
    try:
        return urljoin(url, location) if location else ""
    except ValueError:
        return ""


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()
