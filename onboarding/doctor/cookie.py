"""Checks of the session cookie: its name, the hosts that it reaches, and one from a browser."""

import re
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from onboarding.betterauth.cookie import AmbiguousSession, ForwardedCookie, SessionCookie
from onboarding.betterauth.get_session import GetSession, MainSiteError
from onboarding.betterauth.session import SignedIn, select_signed_in, signed_in
from onboarding.database import SchemaMismatch
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Finding, fault, ok, skipped, warning
from onboarding.settings import Settings
from onboarding.urls import is_loopback

_TIMEOUT_S = 5
# Names that a session cookie may have. A multi-session cookie's name ends with the session's token,
# so no other name may ever be printed.
_SAFE_NAME = re.compile(r"(?:__Secure-|__Host-)?[A-Za-z0-9._-]{0,40}session_token", re.ASCII)
_COPY_SECRET = "give this app the main site's secret, letter for letter, in the same variable"  # noqa: S105


def name(installation: Installation) -> Iterator[Finding]:
    """The main site can set a cookie of the expected name, and it can reach the app."""
    settings = installation.settings
    expected = settings.session_cookie.name
    site, app = _host(settings.site_origin), _host(settings.app_origin)
    problems = []
    if expected.startswith("__Host-") and site != app:
        problems.append(
            fault(
                f"the cookie {expected} is for {site} alone and never reaches {app}",
                "give the session cookie of the main site a name without __Host-",
            )
        )
    if expected.startswith(("__Secure-", "__Host-")):
        urls = {"BETTER_AUTH_URL": settings.site_origin, "APP_URL": settings.app_origin}
        problems += [
            warning(
                f"{expected} is a Secure cookie, but {variable} is plain http",
                "use https for both: not every browser keeps such a cookie for localhost",
            )
            for variable, origin in urls.items()
            if origin.startswith("http:")
        ]
    yield from problems or [ok(f"{expected} is expected: {_reason(settings)}")]


def hosts(installation: Installation) -> Iterator[Finding]:
    """A cookie that the main site sets can reach the app."""
    settings = installation.settings
    site, app = _host(settings.site_origin), _host(settings.app_origin)
    if site == app:
        yield ok(f"app and main site are on one host, {app}")
    elif is_loopback(settings.site_origin) and is_loopback(settings.app_origin):
        yield fault(
            f"{app} and {site} are both this machine, but two sites to a browser",
            "use the same name in both URLs: localhost",
        )
    elif parent := _shared_parent(site, app):
        yield ok(
            f"{app} and {site} can share cookies of {parent}",
            f'set advanced.crossSubDomainCookies: {{ enabled: true, domain: "{parent}" }} there',
        )
    else:
        yield _different_sites(site, app)


def embedding(installation: Installation) -> Iterator[Finding]:
    """The session cookie reaches the app in a frame of each page that may frame it."""
    settings = installation.settings
    for origin in settings.embed_origins:
        is_related = _are_related(_host(origin), _host(settings.app_origin))
        has_same_scheme = urlsplit(origin).scheme == urlsplit(settings.app_origin).scheme
        if is_related and has_same_scheme:
            yield ok(f"{origin} may frame the app and is the same site")
        elif is_related:
            yield warning(
                f"{origin} has another scheme than APP_URL: a frame there never gets the cookie",
                "use https for both",
            )
        else:
            yield warning(
                f"{origin} is another site: a frame there never gets the cookie",
                "frame the app on the main site's own domain, or link to it",
            )
    if not settings.embed_origins:
        yield ok("EMBED_ORIGINS is empty: no page may frame the app")


def from_browser(installation: Installation) -> Iterator[Finding]:
    """The cookie of a browser, given by `--cookie`, belongs to somebody who is signed in."""
    if installation.cookie is None:
        yield skipped(
            "no cookie was given",
            "to try one, pipe a Cookie header from the browser's developer tools to --cookie -",
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
    """Ask the main site as the app does, which is what the operator gave the cookie for."""
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
            "compare BETTER_AUTH_URL's scheme, BETTER_AUTH_COOKIE_PREFIX, BETTER_AUTH_COOKIE_NAME "
            "and BETTER_AUTH_SECURE_COOKIES with the main site's options",
        )
    if not cookie.has_unverified(header):
        return fault(
            f"{cookie.name} has no signature: its form is token.signature",
            "copy the whole value of the cookie",
        )
    for description, secret in _similar_secrets(installation):
        if SessionCookie(cookie.name, secret).token(header) is not None:
            return fault(f"the cookie is signed with {description}", _COPY_SECRET)
    return fault("the signature is invalid: the main site signs with another secret", _COPY_SECRET)


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


def _reason(settings: Settings) -> str:
    """Return which settings decide the name of the cookie."""
    base = (
        "BETTER_AUTH_COOKIE_NAME"
        if settings.cookie_name
        else "BETTER_AUTH_COOKIE_PREFIX"
        if settings.cookie_prefix != "better-auth"
        else "the default prefix"
    )
    if settings.secure_cookies is None:
        return f"{base}, and BETTER_AUTH_URL is {urlsplit(settings.site_url).scheme}"
    return f"{base}, and BETTER_AUTH_SECURE_COOKIES is {str(settings.secure_cookies).lower()}"


# Which host names share cookies, by the public suffix list (RFC 6265 §5.3, HTML's "same site").


def _different_sites(site: str, app: str) -> Finding:
    suffix = _provider_suffix(app)
    if suffix and suffix == _provider_suffix(site):
        reason = f"{suffix} is a public suffix: {app} and {site} can share no cookies"
    else:
        reason = f"{app} and {site} are different sites: the session cookie never reaches the app"
    domain = None if _provider_suffix(site) else _registrable(site)
    names = f"a name under {domain}" if domain else "and the main site names under a domain you own"
    return fault(f"{reason}; SESSION_SOURCE=http doesn't help", f"give the app {names}")


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _are_related(host: str, other: str) -> bool:
    return host == other or _shared_parent(host, other) is not None


def _shared_parent(host: str, other: str) -> str | None:
    """Return the closest domain whose cookies reach both hosts, None if there is none."""
    domain = _registrable(host)
    if domain is None or domain != _registrable(other):
        return None
    return next(parent for parent in _domains(host) if parent in _domains(other))


def _domains(host: str) -> list[str]:
    """Return the host name and every domain above it."""
    labels = host.split(".")
    return [".".join(labels[depth:]) for depth in range(len(labels))]


def _registrable(host: str) -> str | None:
    """Return the domain that somebody registered; None for addresses, lone names and suffixes."""
    return None if _is_address(host) or "." not in host else _suffixes().privatesuffix(host)


def _provider_suffix(host: str) -> str | None:
    """Return the suffix of a hosting provider, such as fly.dev, if the host is a customer's name."""
    suffix = None if _is_address(host) else _suffixes().publicsuffix(host)
    return None if suffix in (None, _suffixes(only_icann=True).publicsuffix(host)) else suffix


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@cache
def _suffixes(*, only_icann: bool = False) -> PublicSuffixList:
    return PublicSuffixList(only_icann=only_icann)
