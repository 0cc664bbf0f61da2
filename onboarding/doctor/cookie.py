"""The session cookie: its name, and one that a browser really holds."""

import re
from collections.abc import Iterator

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie, SessionCookie
from onboarding.betterauth.get_session import GetSession, MainSiteSilent
from onboarding.betterauth.session import SignedIn, select_signed_in, signed_in
from onboarding.database import SchemaChanged
from onboarding.doctor.findings import Finding, fault, ok, skipped, warning
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.sites import host_of

_MARKS = ("__Secure-", "__Host-")
# Names that a session cookie may have. A multi-session cookie's name ends with the session's token,
# so no other name may ever be repeated.
_KNOWN_NAME = re.compile(r"(?:__Secure-|__Host-)?[A-Za-z0-9._-]{0,40}session_token", re.ASCII)


def name(installation: Installation) -> Iterator[Finding]:
    """The name that is expected can be set by the main site and reach the app."""
    settings = installation.settings
    expected = settings.session_cookie.name
    site, app = host_of(settings.site_origin), host_of(settings.app_origin)
    problems = []
    if expected.startswith("__Host-") and site != app:
        problems.append(
            fault(
                f"{expected} belongs to {site} alone and never reaches {app}",
                "on the main site, give the session cookie a name without __Host-",
            )
        )
    if expected.startswith(_MARKS):
        for variable, origin in (
            ("BETTER_AUTH_URL", settings.site_origin),
            ("APP_URL", settings.app_origin),
        ):
            if origin.startswith("http:"):
                problems.append(
                    warning(
                        f"{expected} is a Secure cookie, and {variable} is plain http",
                        "use https for both: not every browser trusts localhost with such a cookie",
                    )
                )
    yield from problems or [ok(f"{expected} is expected: {_why(installation)}")]


def from_browser(installation: Installation) -> Iterator[Finding]:
    """A cookie from a browser, given by `--cookie`, is one of a person who is signed in."""
    if installation.cookie is None:
        yield skipped(
            "no cookie was given",
            "--cookie - reads a Cookie header from the browser's developer tools, to try it",
        )
        return
    cookie = installation.settings.session_cookie
    header = _header(installation.cookie, cookie.name)
    try:
        token = cookie.token(header)
    except AmbiguousSession:
        yield fault(
            f"two different sessions under the name {cookie.name}",
            "clear the cookies of this domain in the browser: one of them was set for another host",
        )
        return
    if token is None:
        yield _refused(installation, cookie, header)
    elif isinstance(cookie, ForwardedCookie):
        yield _asked(installation, cookie, token)
    else:
        yield _looked_up(installation, token)


def _looked_up(installation: Installation, token: str) -> Finding:
    statement, _ = select_signed_in(installation.layout)
    try:
        row = installation.ask(lambda c: c.execute(statement, {"token": token}).one_or_none())
    except SchemaChanged:
        raise Missing("the look-up of sessions fails") from None
    if row is None:
        return fault(
            "the signature verifies, but this database has no live session of that token",
            "sign in anew and try that cookie; if it says the same, DATABASE_URL isn't the main site's",
        )
    return _signed_in(signed_in(row))


def _asked(installation: Installation, cookie: ForwardedCookie, token: str) -> Finding:
    """Ask the main site as the app does, which is what the operator gave the cookie for."""
    source = GetSession(installation.settings.session_url, cookie, cache_s=0)
    try:
        person = source.signed_in(token)
    except MainSiteSilent as silent:
        return fault(f"the main site doesn't say: {silent}", "see get-session")
    finally:
        source.close()
    if person is None:
        return fault(
            "the main site says that nobody is signed in by it",
            "sign in anew and try that cookie; SESSION_URL must be the site that set it",
        )
    return _signed_in(person)


def _signed_in(person: SignedIn) -> Finding:
    if person.banned:
        return ok("signed in, verified: somebody who is banned, whom the app doesn't let in")
    if person.anonymous:
        return ok("signed in, verified: a guest of the anonymous plugin, who is asked to sign up")
    return ok("signed in, verified")


def _refused(
    installation: Installation, cookie: SessionCookie | ForwardedCookie, header: str
) -> Finding:
    values = _values(header, cookie.name)
    if not values:
        similar = sorted({name for name, _ in _pairs(header) if _KNOWN_NAME.fullmatch(name)})[:5]
        found = f"; there is {', '.join(similar)}" if similar else ""
        return fault(
            f"no cookie named {cookie.name}{found}",
            "compare BETTER_AUTH_URL's scheme, BETTER_AUTH_COOKIE_PREFIX, BETTER_AUTH_COOKIE_NAME "
            "and BETTER_AUTH_SECURE_COOKIES with the main site's options",
        )
    if not cookie.is_foreign(header):
        return fault(
            f"{cookie.name} has no signature: its form is token.signature",
            "copy the whole value of the cookie",
        )
    for whose, secret in _near_misses(installation):
        if SessionCookie(cookie.name, secret).token(header) is not None:
            return fault(f"the signature is made with {whose}", _SAME)
    return fault("the signature doesn't verify: the main site signs with another secret", _SAME)


_SAME = "give this app the main site's secret, letter for letter, and the same variable"


def _near_misses(installation: Installation) -> Iterator[tuple[str, str]]:
    """Give secrets that were perhaps meant, in words and as they are."""
    environ, secret = installation.environ, installation.signer.secret
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


def _header(given: str, expected: str) -> str:
    """Read a Cookie header, with or without its name, or a bare value, as a Cookie header."""
    text = re.sub(r"^cookie:\s*", "", given.strip(), flags=re.IGNORECASE)
    # A value that was copied decoded ends with the "=" of its signature.
    return text if "=" in text.rstrip('"=') else f"{expected}={text}"


def _pairs(header: str) -> list[tuple[str, str]]:
    pairs = (pair.partition("=") for pair in header.split(";"))
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _values(header: str, expected: str) -> list[str]:
    return [value for name, value in _pairs(header) if name == expected]


def _why(installation: Installation) -> str:
    environ = installation.environ
    named = environ.get("BETTER_AUTH_COOKIE_NAME", "").strip()
    prefix = environ.get("BETTER_AUTH_COOKIE_PREFIX", "").strip()
    base = "BETTER_AUTH_COOKIE_NAME" if named else "BETTER_AUTH_COOKIE_PREFIX" if prefix else ""
    secure = environ.get("BETTER_AUTH_SECURE_COOKIES", "").strip()
    scheme = installation.settings.site_origin.partition(":")[0]
    decides = (
        f"BETTER_AUTH_SECURE_COOKIES is {secure}" if secure else f"BETTER_AUTH_URL is {scheme}"
    )
    return f"{base or 'the default prefix'}, and {decides}"
