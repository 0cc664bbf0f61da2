"""The settings, apart from the secret."""

from collections.abc import Iterator

from onboarding.addresses import is_loopback
from onboarding.doctor.findings import Finding, fault, ok, warning
from onboarding.doctor.installation import Installation
from onboarding.doctor.secret import is_about_secret


def well_formed(installation: Installation) -> Iterator[Finding]:
    """Every setting that is needed is there, and each is well-formed."""
    faults = installation.settings_faults
    others = [line for line in faults if not is_about_secret(line)]
    for line in others:
        yield fault(line, "see docs/configuration.md")
    if not others:
        yield ok(f"every setting {'but the secret ' if faults else ''}is well-formed")


def proxies(installation: Installation) -> Iterator[Finding]:
    """The number of trusted proxies goes with the app's address."""
    settings = installation.settings
    count, local = settings.forwarded_proxies, is_loopback(settings.app_origin)
    if count and local:
        yield warning(
            f"FORWARDED_PROXIES is {count}, yet APP_URL is this machine",
            "with no proxy in front set it to 0, or clients can pass for somebody else",
        )
    elif not count and settings.app_origin.startswith("https:") and not local:
        yield ok(
            "FORWARDED_PROXIES is 0: the headers of the proxy that ends TLS are ignored",
            "it must pass Host on unchanged; if it sets X-Forwarded-Host, count it",
        )
    else:
        yield ok(f"FORWARDED_PROXIES is {count}")
