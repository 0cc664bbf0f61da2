"""Who a visitor is, from one of two sources: the main site's tables, or the main site itself."""

from onboarding.identity.from_main_site import MainSiteIdentities
from onboarding.identity.from_tables import TableIdentities
from onboarding.identity.visitor import (
    SESSION_ENDED,
    SIGNED_OUT,
    UNVERIFIED,
    Identity,
    IdentitySource,
    MainSiteUnavailable,
    Standing,
)

__all__ = [
    "SESSION_ENDED",
    "SIGNED_OUT",
    "UNVERIFIED",
    "Identity",
    "IdentitySource",
    "MainSiteIdentities",
    "MainSiteUnavailable",
    "Standing",
    "TableIdentities",
]
