"""Examine an installation: every condition for the app to work with its main site.

One table of checks, each a small function that returns what it finds. Nothing is changed, and no
secret, token, cookie or password is printed.
"""

from collections.abc import Iterator, Mapping

from onboarding.database import Unavailable
from onboarding.doctor import (
    browser_cookie,
    cookie,
    database,
    hosts,
    main_site,
    rights,
    settings,
    tables,
    times,
)
from onboarding.doctor.better_auth import Unreachable
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Check, Finding, Report, fault, skipped, warning

# In the order of the report. docs/doctor.md explains each name.
CHECKS: Mapping[str, Check] = {
    "settings": settings.well_formed,
    "secret": settings.secret,
    "fingerprint": settings.same_fingerprint,
    "same secret": main_site.same_secret,
    "cookie name": cookie.name,
    "site cookie": cookie.of_main_site,
    "hosts": hosts.related,
    "embedding": hosts.embedding,
    "proxies": settings.proxies,
    "database": database.answers,
    "encryption": database.encryption,
    "pooler": database.pooler,
    "clock": database.clock,
    "user table": tables.user,
    "session table": tables.session,
    "plugins": tables.plugins,
    "times": times.in_utc,
    "user_profile": tables.user_profile,
    "migrations": tables.migrations,
    "rights": rights.sufficient,
    "excess rights": rights.excessive,
    "look-up": tables.look_up,
    "cookie": browser_cookie.from_browser,
    "sign-in page": main_site.sign_in_page,
    "get-session": main_site.get_session,
    "trusted origin": main_site.trusted_origin,
}


def examine(installation: Installation) -> Report:
    """Return the report of all checks. Never raise: a check that can't run is a finding, too."""
    return Report(
        tuple(
            (condition, finding)
            for condition, check in CHECKS.items()
            for finding in run(check, installation)
        )
    )


def run(check: Check, installation: Installation) -> Iterator[Finding]:
    """Yield what a check finds, and what kept it from going on."""
    try:
        yield from check(installation)
    except Missing as missing:
        yield skipped(str(missing))
    except Unavailable as error:
        yield fault(str(error))
    except Unreachable as error:
        yield warning(
            str(error), "harmless if only this machine can't reach it; try it in a browser"
        )
    except Exception as error:
        # Only its type: the message could contain anything.
        yield fault(f"the check itself failed: {type(error).__name__}", "please report this")
