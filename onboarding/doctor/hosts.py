"""The addresses of app, main site and framing pages: can the session cookie reach the app at all?"""

from collections.abc import Iterator

from onboarding.addresses import is_loopback
from onboarding.doctor.findings import Finding, fault, ok, warning
from onboarding.doctor.installation import Installation
from onboarding.doctor.sites import (
    host_of,
    is_same_site,
    provider_suffix,
    registrable,
    shared_parent,
)


def shared(installation: Installation) -> Iterator[Finding]:
    """A cookie that the main site sets can reach the app."""
    settings = installation.settings
    site, app = host_of(settings.site_origin), host_of(settings.app_origin)
    if site == app:
        yield ok(f"app and main site are on one host, {app}")
    elif is_loopback(settings.site_origin) and is_loopback(settings.app_origin):
        yield fault(
            f"{app} and {site} are this machine, and yet two sites to a browser",
            "write both addresses with the same name: localhost",
        )
    elif parent := shared_parent(site, app):
        yield ok(
            f"{app} and {site} can share cookies of {parent}",
            f'set advanced.crossSubDomainCookies: {{ enabled: true, domain: "{parent}" }} there',
        )
    else:
        yield _apart(site, app)


def _apart(site: str, app: str) -> Finding:
    suffix = provider_suffix(app)
    if suffix and suffix == provider_suffix(site):
        why = f"{suffix} is a public suffix: {app} and {site} can share no cookies"
    else:
        why = f"{app} and {site} are different sites: the session cookie never reaches the app"
    domain = None if provider_suffix(site) else registrable(site)
    place = f"a name under {domain}" if domain else "and the main site names under a domain you own"
    return fault(f"{why}; SESSION_SOURCE=http doesn't help", f"give the app {place}")


def embedding(installation: Installation) -> Iterator[Finding]:
    """The session cookie reaches the app inside a frame of each page that may frame it."""
    settings = installation.settings
    for origin in settings.embed_origins:
        if is_same_site(origin, settings.app_origin):
            yield ok(f"{origin} may frame the app, and is the same site")
        elif is_same_site(*(f"https://{host_of(o)}" for o in (origin, settings.app_origin))):
            yield warning(
                f"{origin} has another scheme than APP_URL: the cookie never reaches a frame there",
                "use https for both",
            )
        else:
            yield warning(
                f"{origin} is another site: the cookie never reaches a frame there",
                "frame the app from the main site's own domain, or link to it",
            )
    if not settings.embed_origins:
        yield ok("EMBED_ORIGINS is empty: no page may frame the app")
