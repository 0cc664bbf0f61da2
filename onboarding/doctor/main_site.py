"""The main site, asked from here by HTTP, without any cookie."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from onboarding.addresses import origin_of
from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor.asking import ask, endpoint, follow
from onboarding.doctor.findings import Finding, fault, ok, skipped, warning
from onboarding.doctor.installation import Installation


def sign_in_page(installation: Installation) -> Iterator[Finding]:
    """The page that people are sent to to sign in is there."""
    settings = installation.settings
    page = _bare(settings.sign_in_url)
    address = httpx.URL(settings.sign_in_url).copy_add_param(
        settings.sign_in_return_param, f"{settings.app_origin}/"
    )
    try:
        answer = follow(str(address))
    except httpx.HTTPError as error:
        yield _unreachable(page, error)
        return
    if answer.status == 404 or answer.status >= 500:
        yield fault(f"{page} answers {answer.status}", "set SIGN_IN_URL to the sign-in page")
    elif answer.leads_to:
        yield ok(f"{page} answers {answer.status}, and leads to {origin_of(answer.leads_to)}")
    elif answer.status >= 400:
        yield warning(
            f"{page} answers {answer.status} from here",
            "look at it in a browser that is signed out",
        )
    else:
        yield ok(f"{page} answers {answer.status}")


def get_session(installation: Installation) -> Iterator[Finding]:
    """Better-Auth answers where the settings say, as it answers nobody: 200 and null."""
    asked = httpx.URL(installation.settings.session_url).copy_merge_params(
        {"disableRefresh": "true", "disableCookieCache": "true"}
    )
    address, by_http = _bare(str(asked)), installation.by_http
    # The source of all sessions, or no more than a sign that BETTER_AUTH_URL is right.
    otherwise = fault if by_http else warning
    try:
        answer = ask(str(asked))
    except httpx.HTTPError as error:
        yield _unreachable(address, error, otherwise)
        return
    if (answer.status, answer.body.strip()) == (200, "null"):
        yield ok(f"{address} answers 200 and null")
    elif answer.status in (404, 405) or answer.status < 400:
        yield otherwise(
            f"{address} answers {answer.status}, not 200 and null: "
            "Better-Auth seems to be under another path",
            "set BETTER_AUTH_URL to the main site's baseURL, with its basePath unless /api/auth"
            + (", or SESSION_URL to its get-session" if by_http else ""),
        )
    else:
        yield otherwise(f"{address} answers {answer.status}", "look into the main site's log")


def trusted_origin(installation: Installation) -> Iterator[Finding]:
    """The main site lets people come back to the app after signing in.

    An e-mail verification with a token that is none changes nothing, and Better-Auth judges its
    callbackURL first (1.7.25, measured).
    """
    app = installation.settings.app_origin
    address = httpx.URL(
        endpoint(installation.settings.site_url, "verify-email"),
        params={"token": "none", "callbackURL": f"{app}/"},
    )
    try:
        answer = ask(str(address))
    except httpx.HTTPError as error:
        yield _unreachable(_bare(str(address)), error)
        return
    if answer.status == 403 and "INVALID_CALLBACK_URL" in answer.body:
        yield fault(
            f"the main site doesn't trust {app}: signing in on the way here ends with 403",
            f'add "{app}" to trustedOrigins there',
        )
    elif answer.status in (302, 303, 307) and origin_of(answer.leads_to) == app:
        yield ok(f"the main site sends people back to {app}")
    else:
        yield skipped("the main site's answer doesn't tell whether it trusts this app's origin")


def same_secret(installation: Installation) -> Iterator[Finding]:
    """The main site itself takes our secret for its own; asked only with `--ask-main-site`.

    Better-Auth signs the links in its verification e-mails with the secret that signs its cookies. To
    one that has long expired it says so only where the signature verifies (1.7.25, measured). Such a
    token lets nobody do anything, but it is made of the secret, so it isn't sent unasked.
    """
    signer = installation.signer
    if not installation.asks_main_site:
        yield skipped(
            "not asked", "--ask-main-site tries it: a signed token that has expired is sent there"
        )
        return
    address = endpoint(installation.settings.site_url, "verify-email")
    token = _expired_token(signer)
    try:
        answer = ask(str(httpx.URL(address, params={"token": token, "callbackURL": "/"})))
    except httpx.HTTPError as error:
        yield _unreachable(address, error)
        return
    if "TOKEN_EXPIRED" in answer.leads_to.upper():
        yield ok("the main site verifies what our secret signed")
    elif "INVALID_TOKEN" in answer.leads_to.upper():
        yield fault(
            "the main site doesn't verify what our secret signed",
            "give this app the main site's secret, letter for letter, and the same variable",
        )
    else:
        yield skipped("the main site's answer doesn't tell whether the secret is the same")


def _expired_token(signer: SessionCookie) -> str:
    """Give a JWT (RFC 7515, HS256) that ended in 1970."""
    signed = ".".join(map(_unpadded, (b'{"alg":"HS256"}', b'{"exp":1}')))
    return f"{signed}.{_unpadded(b64decode(signer.sign(signed)))}"


def _unpadded(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def _unreachable(
    address: str,
    error: httpx.HTTPError,
    otherwise: Callable[[str, str], Finding] = warning,
) -> Finding:
    return otherwise(
        f"{address} can't be reached from here: {type(error).__name__}",
        "let the app's machine reach it"
        if otherwise is fault
        else "harmless when only this machine can't; open it in a browser",
    )


def _bare(address: str) -> str:
    return urlsplit(address)._replace(query="", fragment="").geturl()
