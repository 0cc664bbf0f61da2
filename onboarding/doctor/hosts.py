"""Checks of host names: which of them share cookies (RFC 6265 §5.3, HTML's "same site")."""

from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.urls import is_loopback


def related(installation: Installation) -> Iterator[Finding]:
    """A cookie that the main site sets can reach the app."""
    settings = installation.settings
    site, app = host_of(settings.site_origin), host_of(settings.app_origin)
    if site == app:
        yield ok(f"app and main site are on one host, {app}")
    elif is_loopback(settings.site_origin) and is_loopback(settings.app_origin):
        yield fault(
            f"{app} and {site} are both this machine, but two sites to a browser",
            "use the same name in both URLs: localhost",
        )
    elif parent := shared_parent(site, app):
        yield ok(f"{app} and {site} can share cookies of {parent}")
    else:
        is_providers = _registrable(site) != _registrable(site, only_icann=True)
        names = (
            "the app and the main site names under a domain you own"
            if is_providers or not _registrable(site)
            else f"the app a name under {_registrable(site)}"
        )
        yield fault(
            f"{app} and {site} are different sites: the session cookie never reaches the app; "
            "SESSION_SOURCE=http doesn't help",
            f"give {names}",
        )


def embedding(installation: Installation) -> Iterator[Finding]:
    """The session cookie reaches the app in a frame of each page that may frame it."""
    settings = installation.settings
    app = settings.app_origin
    for origin in settings.embed_origins:
        if not (host_of(origin) == host_of(app) or shared_parent(host_of(origin), host_of(app))):
            yield warning(
                f"{origin} is another site: a frame there never gets the cookie",
                "frame the app on the main site's own domain, or link to it",
            )
        elif urlsplit(origin).scheme != urlsplit(app).scheme:
            yield warning(
                f"{origin} has another scheme than APP_URL: a frame there never gets the cookie",
                "use https for both",
            )
        else:
            yield ok(f"{origin} may frame the app and is the same site")
    if not settings.embed_origins:
        yield ok("EMBED_ORIGINS is empty: no page may frame the app")


def host_of(origin: str) -> str:
    """Return the host name of an origin."""
    return urlsplit(origin).hostname or ""


def is_within(host: str, domain: str) -> bool:
    """Return whether a cookie of this domain reaches the host."""
    return host == domain or host.endswith(f".{domain}")


def shared_parent(host: str, other: str) -> str | None:
    """Return the closest domain whose cookies reach both hosts, None if there is none."""
    domain = _registrable(host)
    if domain is None or domain != _registrable(other):
        return None
    pairs = zip(reversed(host.split(".")), reversed(other.split(".")), strict=False)
    shared = [label for label, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return ".".join(reversed(shared))


def _registrable(host: str, *, only_icann: bool = False) -> str | None:
    """Return the domain that somebody registered; None for addresses, lone names and suffixes."""
    is_address = ":" in host or host.rpartition(".")[2].isdecimal()
    return None if is_address else _suffixes(only_icann).privatesuffix(host)


@cache
def _suffixes(only_icann: bool) -> PublicSuffixList:
    return PublicSuffixList(only_icann=only_icann)
