"""The check of a cookie that an operator copied from a browser."""

import re
from collections.abc import Iterator

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie, SessionCookie
from onboarding.betterauth.get_session import GetSession, MainSiteError
from onboarding.betterauth.session import SignedIn, select_signed_in, signed_in
from onboarding.database import SchemaMismatch
from onboarding.doctor.cookie import fix_for
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Finding, fault, ok, skipped
from onboarding.doctor.settings import COPY_SECRET

_TIMEOUT_S = 5
# Names that a session cookie may have. A multi-session cookie's name ends with the session's token,
# so no other name may ever be printed.
_SAFE_NAME = re.compile(r"(?:__Secure-|__Host-)?[A-Za-z0-9._-]{0,40}session_token", re.ASCII)


def from_browser(installation: Installation) -> Iterator[Finding]:
    """The cookie of a browser, given by `--cookie`, belongs to somebody who is signed in."""
    if installation.cookie is None:
        yield skipped(
            "no cookie was given",
            "to try one, give --cookie, and paste a Cookie header from the browser's developer tools",
        )
        return
    cookie = installation.settings.session_cookie
    header = _header(installation.cookie, cookie.name)
    try:
        token = cookie.token(header)
    except AmbiguousSession:
        yield fault(
            f"the browser has cookies of two different sessions named {cookie.name}",
            "clear the cookies of this domain in the browser: one of them was set for another host",
        )
        return
    if token is None:
        yield _unsigned(installation, cookie, header)
    elif isinstance(cookie, ForwardedCookie):
        yield _from_main_site(installation, cookie, token)
    else:
        yield _from_tables(installation, token)


def _from_tables(installation: Installation, token: str) -> Finding:
    statement, _ = select_signed_in(installation.layout)
    try:
        row = installation.query(lambda c: c.execute(statement, {"token": token}).one_or_none())
    except SchemaMismatch:
        raise Missing("the look-up of sessions fails") from None
    if row is None:
        return fault(
            "the signature is valid, but this database has no live session for it",
            "sign in again and try the new cookie; if the result is the same, "
            "DATABASE_URL isn't the main site's database",
        )
    return _described(signed_in(row))


def _from_main_site(installation: Installation, cookie: ForwardedCookie, token: str) -> Finding:
    """Return what the main site makes of the cookie; the app sends it there, too."""
    source = GetSession(installation.settings.session_url, cookie, cache_s=0)
    try:
        user = source.signed_in(token, _TIMEOUT_S)
    except MainSiteError as error:
        return fault(f"the main site gives no clear answer: {error}", "see get-session")
    finally:
        source.close()
    if user is None:
        return fault(
            "the main site says that the cookie signs nobody in",
            "sign in again and try the new cookie; SESSION_URL must be of the site that set it",
        )
    return _described(user)


def _described(user: SignedIn) -> Finding:
    if user.banned:
        return ok("signed in and verified: a banned user, whom the app doesn't let in")
    if user.anonymous:
        return ok(
            "signed in and verified: a guest of the anonymous plugin, who is asked to sign up"
        )
    return ok("signed in and verified")


def _unsigned(
    installation: Installation, cookie: SessionCookie | ForwardedCookie, header: str
) -> Finding:
    """Return why no token in the header has a valid signature."""
    names = {pair.partition("=")[0].strip() for pair in header.split(";")}
    if cookie.name not in names:
        similar = sorted(name for name in names if _SAFE_NAME.fullmatch(name))[:5]
        found = f", but {', '.join(similar)}" if similar else ""
        return fault(
            f"there is no cookie named {cookie.name}{found}",
            fix_for(similar[0], installation)
            if similar
            else "copy it from the main site's own pages",
        )
    if not cookie.has_unverified(header):
        return fault(
            f"{cookie.name} has no signature: its form is token.signature",
            "copy the whole value of the cookie",
        )
    for description, secret in _similar_secrets(installation):
        if SessionCookie(cookie.name, secret).token(header) is not None:
            return fault(f"the cookie is signed with {description}", COPY_SECRET)
    return fault("the signature is invalid: the main site signs with another secret", COPY_SECRET)


def _similar_secrets(installation: Installation) -> Iterator[tuple[str, str]]:
    """Yield secrets that the operator may have meant, each after a description."""
    environ, secret = installation.environ, installation.verifier.secret
    if environ.get("BETTER_AUTH_SECRETS"):
        yield (
            "BETTER_AUTH_SECRET, which BETTER_AUTH_SECRETS overrides here",
            environ.get("BETTER_AUTH_SECRET", ""),
        )
        for entry in environ["BETTER_AUTH_SECRETS"].split(",")[1:]:
            yield (
                "an entry of BETTER_AUTH_SECRETS that isn't the first",
                entry.partition(":")[2].strip(),
            )
    yield "this secret without the spaces around it", secret.strip()
    yield "this secret without the quotes around it", secret.strip().strip("\"'")


def _header(text: str, expected: str) -> str:
    """Return a Cookie header, given with or without its name, or as the bare value of the cookie."""
    text = re.sub(r"^cookie:\s*", "", text.strip(), flags=re.IGNORECASE)
    # A value that was copied decoded ends with the "=" of its signature.
    return text if "=" in text.rstrip('"=') else f"{expected}={text}"
