"""What belongs to this app and to this request, with its types."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app, g
from jinja2 import Environment

from onboarding.betterauth.session import SignedIn
from onboarding.database import Database
from onboarding.identity import SIGNED_OUT, Identity, IdentitySource
from onboarding.profiles import Profile, ProfileStore
from onboarding.questions import Questionnaire
from onboarding.settings import Settings
from onboarding.web.csrf import CsrfTokens
from onboarding.web.languages import Languages
from onboarding.web.log_throttle import LogThrottle
from onboarding.web.static_files import StaticFiles
from onboarding.web.write_limit import WriteLimit


@dataclass(frozen=True)
class Services:
    """What the app is made of; `create_app` puts it into ``app.extensions["onboarding"]``."""

    settings: Settings
    questionnaire: Questionnaire
    database: Database
    profiles: ProfileStore
    identities: IdentitySource
    languages: Languages
    static_files: StaticFiles
    csrf: CsrfTokens
    environments: Mapping[str, Environment]
    """Jinja's, by the language's tag."""
    openapi: str
    pseudonym_key: bytes
    write_limit: WriteLimit
    log_throttle: LogThrottle


def services() -> Services:
    """Return the services of the current app."""
    found: Services = current_app.extensions["onboarding"]
    return found


def pseudonym(user_id: str) -> str:
    """Return what names a user in the log and the write limit: 16 hex digits, one-way by a key."""
    digest = hmac.digest(services().pseudonym_key, user_id.encode(), hashlib.sha256)
    return digest.hex()[:16]


def current_identity() -> Identity:
    """Return who sent the request, as the gate found them; signed out where the gate didn't look."""
    found: Identity = g.get("identity", SIGNED_OUT)
    return found


def current_user() -> SignedIn:
    """Return the signed-in user of an endpoint that only signed-in users reach."""
    user = current_identity().user
    if user is None:
        raise RuntimeError("this endpoint is open to visitors without a session")
    return user


def current_profile() -> Profile:
    """Return the profile of an endpoint that only onboarded users reach."""
    profile = current_identity().profile
    if profile is None:
        raise RuntimeError("this endpoint is open to users without a profile")
    return profile
