"""What belongs to this app and to this request, typed: the only reader of Flask's globals for it."""

from dataclasses import dataclass

from flask import Request, current_app, g, request

from onboarding.betterauth.session import SignedIn
from onboarding.config import Settings
from onboarding.database import Database
from onboarding.identity import SIGNED_OUT, Identities, Identity
from onboarding.languages import Languages
from onboarding.profiles.model import Profile
from onboarding.web.assets import Assets
from onboarding.web.csrf import CsrfTokens
from onboarding.web.keys import Pseudonyms
from onboarding.web.pages import Pages
from onboarding.web.seldom import Seldom
from onboarding.web.writes import WriteLimit

_KEY = "onboarding"


@dataclass(frozen=True)
class Parts:
    """What the app is made of."""

    settings: Settings
    database: Database
    identities: Identities
    csrf: CsrfTokens
    pseudonyms: Pseudonyms
    writes: WriteLimit
    seldom: Seldom
    assets: Assets
    languages: Languages
    pages: Pages


def this_request() -> Request:
    """Give the current request itself, for whoever looks at it more than once or twice."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def parts() -> Parts:
    """Give the parts of the current app."""
    found: Parts = current_app.extensions[_KEY]
    return found


def settings() -> Settings:
    """Give the settings of the current app."""
    return parts().settings


def identity() -> Identity:
    """Give who asks, as the gate found them; signed out where the gate didn't need to know."""
    found: Identity = g.get(_KEY, SIGNED_OUT)
    return found


def person() -> SignedIn:
    """Give who is signed in, behind a door that only signed-in people pass."""
    user = identity().user
    if user is None:
        raise RuntimeError("the gate let nobody in, yet a view runs")
    return user


def final_profile() -> Profile:
    """Give the answers of whoever is signed in, behind a door that only onboarded people pass."""
    profile = identity().profile
    if profile is None:
        raise RuntimeError("the gate let somebody in who isn't onboarded, yet a view runs")
    return profile


def set_identity(found: Identity) -> None:
    """Keep who asks for the rest of the request; only the gate calls this."""
    setattr(g, _KEY, found)
