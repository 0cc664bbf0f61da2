"""Who is this, and are they onboarded? What a visitor is at one request, wherever it comes from."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from onboarding.betterauth.session import SignedIn
from onboarding.database import Unavailable
from onboarding.profiles.model import Profile


class Standing(Enum):
    """Where a visitor stands, as far as any door is concerned."""

    SIGNED_OUT = "signed out"
    UNVERIFIED = "signed out, with a session cookie that our secret doesn't verify"
    BANNED = "signed in, and banned"
    ANONYMOUS = "signed in without an account"
    NOT_ONBOARDED = "not onboarded"
    ONBOARDED = "onboarded"


@dataclass(frozen=True)
class Identity:
    """A visitor at one request: the person, their profile, and the token that proved it."""

    user: SignedIn | None = None
    profile: Profile | None = None
    session_token: str | None = field(default=None, repr=False)
    unverified: bool = False

    @property
    def standing(self) -> Standing:
        """Where this visitor stands."""
        if self.user is None:
            return Standing.UNVERIFIED if self.unverified else Standing.SIGNED_OUT
        if self.user.banned:
            return Standing.BANNED
        if self.user.anonymous:
            return Standing.ANONYMOUS
        if self.profile is not None and self.profile.is_onboarded:
            return Standing.ONBOARDED
        return Standing.NOT_ONBOARDED


SIGNED_OUT = Identity()
UNVERIFIED = Identity(unverified=True)


class MainSiteUnavailable(Unavailable):
    """The main site doesn't say who a visitor is; so nobody can, and nobody is signed out by it."""


class Identities(Protocol):
    """Where identities come from. Whoever asks doesn't know which source it is."""

    def of(self, session_token: str | None) -> Identity:
        """Give the identity behind what the session cookie holds, `SIGNED_OUT` for None.

        Raises `Unavailable` when nobody can say. Never "signed out" in its place.
        """

    def check(self) -> list[str]:
        """Give what keeps the app from working, a line each; [] when all fits.

        Raises `Unavailable` when the database doesn't answer.
        """
