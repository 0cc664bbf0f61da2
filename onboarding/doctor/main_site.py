"""Checks of the main site over HTTP, from here and without any user's cookie."""

import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator

import httpx

from onboarding.betterauth.cookie import SessionCookie
from onboarding.doctor.better_auth import Answer, BetterAuth, Unreachable, without_query
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, skipped, warning
from onboarding.doctor.settings import COPY_SECRET
from onboarding.urls import origin_of

_MAX_REDIRECTS = 5


def sign_in_page(installation: Installation) -> Iterator[Finding]:
    """There is a page where users are sent to sign in."""
    settings = installation.settings
    page = without_query(settings.sign_in_url)
    url = httpx.URL(settings.sign_in_url)
    answer = _follow(
        installation.better_auth,
        str(url.copy_add_param(settings.sign_in_return_param, f"{settings.app_origin}/")),
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
    better_auth, settings = installation.better_auth, installation.settings
    # All sessions come from here, or it only shows that BETTER_AUTH_URL is right.
    problem = fault if installation.uses_http else warning
    url = settings.session_url
    try:
        answer = better_auth.get_session(url)
        if answer.is_nobody:
            yield ok(f"{without_query(url)} answers 200 and null")
            return
        base = better_auth.base
    except Unreachable as error:
        if not installation.uses_http:
            raise
        yield fault(str(error), "make sure that the app's machine can reach it")
        return
    message = f"{without_query(url)} answers {answer.status}, not 200 and null"
    if base != better_auth.expected_base:
        if origin_of(base) != settings.site_origin:
            problem = fault
        origin = base.removesuffix("/api/auth")
        site_url = origin if origin_of(base) == origin else base
        fix = f"set BETTER_AUTH_URL={site_url}: Better-Auth answers under {base}"
    elif settings.get_session_url and better_auth.get_session(f"{base}/get-session").is_nobody:
        fix = f"unset SESSION_URL: {base}/get-session answers"
    elif answer.status >= 500:
        fix = "see the main site's log"
    else:
        fix = (
            "set BETTER_AUTH_URL to the main site's baseURL: its path, unless it has none, is what "
            "the endpoints are under"
        )
    yield problem(message, fix)


def trusted_origin(installation: Installation) -> Iterator[Finding]:
    """The main site lets users return to the app after they have signed in.

    An e-mail verification with an invalid token changes nothing, and Better-Auth checks its
    callbackURL first (1.7.25, measured).
    """
    app = installation.settings.app_origin
    answer = installation.better_auth.verify_email("none", f"{app}/")
    if answer.status == 403 and "INVALID_CALLBACK_URL" in answer.body:
        where = (
            "the trusted domains of Neon Auth (Auth, Configuration, Domains in its console)"
            if installation.uses_neon_auth
            else "trustedOrigins there"
        )
        yield fault(
            f"the main site doesn't trust {app}: signing in for the app ends with 403",
            f'add "{app}" to {where}',
        )
    elif origin_of(answer.target) == app or (
        # Neon Auth's package follows the redirect itself, on the main site's server (0.5.0, measured).
        installation.uses_neon_auth and answer.status in (200, 502)
    ):
        yield ok(f"the main site sends users back to {app}")
    else:
        yield warning(
            f"the main site's answer, {answer.status}, doesn't show whether it trusts {app}",
            'see get-session; "Invalid callbackURL" after signing in means that it does not',
        )


def same_secret(installation: Installation) -> Iterator[Finding]:
    """The main site itself has the app's secret.

    Better-Auth signs the links in its verification e-mails with the secret that signs its cookies. It
    only calls a link expired if its signature is valid (1.7.25, measured). Every signed-in browser has
    as much that was made with the secret as this token, which allows nothing.
    """
    if installation.uses_neon_auth and installation.uses_http:
        yield skipped("not needed: Neon keeps the secret of Neon Auth")
        return
    verifier = installation.verifier
    answer = installation.better_auth.verify_email(_expired_token(verifier), "/")
    if "TOKEN_EXPIRED" in answer.target.upper():
        yield ok("the main site accepts the signature of the app's secret")
    elif "INVALID_TOKEN" in answer.target.upper():
        yield fault("the main site rejects the signature of the app's secret", COPY_SECRET)
    else:
        yield warning(
            f"the main site's answer, {answer.status}, doesn't show whether the secrets are the same",
            "see get-session; or try a cookie with --cookie, or compare with --fingerprint",
        )


def _expired_token(signer: SessionCookie) -> str:
    """Return a JWT (RFC 7515, HS256) that expired in 1970."""
    payload = f'{{"exp":1,"jti":"{secrets.token_hex(16)}"}}'.encode()
    content = ".".join(map(_base64url, (b'{"alg":"HS256"}', payload)))
    return f"{content}.{_base64url(b64decode(signer.sign(content)))}"


def _base64url(part: bytes) -> str:
    return urlsafe_b64encode(part).decode().rstrip("=")


def _follow(better_auth: BetterAuth, url: str) -> Answer:
    """Fetch a URL, and follow redirects while they stay on the same origin."""
    answer = better_auth.fetch(url)
    for _ in range(_MAX_REDIRECTS):
        if not answer.target or origin_of(answer.target) != origin_of(url):
            break
        answer = better_auth.fetch(answer.target)
    return answer
