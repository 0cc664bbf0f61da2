"""Examines an installation: every condition for the app to work with its main site.

One table of checks, each a small function that says what it finds (`findings`) about what is there
(`installation`). It changes nothing, and says no secret, token, cookie or password.
"""

from collections.abc import Iterator, Mapping

from onboarding.database import Unavailable
from onboarding.doctor import (
    cookie,
    database,
    environment,
    hosts,
    main_site,
    profile,
    rights,
    secret,
    tables,
)
from onboarding.doctor.findings import Check, Finding, fault, skipped
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.report import Line, Report

# In the order in which they are told. Each name stands in docs/doctor.md.
CHECKS: Mapping[str, Check] = {
    "settings": environment.well_formed,
    "secret": secret.safe,
    "fingerprint": secret.same_as_main_site,
    "same secret": main_site.same_secret,
    "cookie name": cookie.name,
    "hosts": hosts.shared,
    "embedding": hosts.embedding,
    "proxies": environment.proxies,
    "database": database.answers,
    "encryption": database.encryption,
    "pooler": database.pooler,
    "clock": database.clock,
    "user table": tables.user,
    "session table": tables.session,
    "plugins": tables.plugins,
    "times": tables.times,
    "user_profile": profile.upholds_rules,
    "migrations": profile.is_migrated,
    "rights": rights.enough,
    "excess rights": rights.not_too_much,
    "look-up": tables.look_up,
    "cookie": cookie.from_browser,
    "sign-in page": main_site.sign_in_page,
    "get-session": main_site.get_session,
    "trusted origin": main_site.trusted_origin,
}


def examine(installation: Installation) -> Report:
    """Go through all conditions. Never raises: what a check can't say is a finding, too."""
    return Report(
        tuple(
            Line(condition, finding)
            for condition, check in CHECKS.items()
            for finding in _findings(check, installation)
        )
    )


def _findings(check: Check, installation: Installation) -> Iterator[Finding]:
    try:
        yield from check(installation)
    except Missing as missing:
        yield skipped(str(missing))
    except Unavailable as unavailable:
        yield fault(str(unavailable))
    except Exception as error:
        # By its type alone: its words could hold anything.
        yield fault(f"the check itself failed: {type(error).__name__}", "please report this")
