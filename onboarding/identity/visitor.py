"""What a visitor is at one request: who they are, and whether they are onboarded."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from onboarding.betterauth.session import SignedIn
from onboarding.database import Unavailable
from onboarding.profiles import Profile


class Standing(Enum):
    """What the gate decides by."""

    SIGNED_OUT = "signed out"
    UNVERIFIED = "signed out, with a session cookie that our secret doesn't verify"
    SESSION_ENDED = "signed out, with the valid cookie of a session that has ended"
    BANNED = "signed in, and banned"
    ANONYMOUS = "signed in without an account"
    NOT_ONBOARDED = "not onboarded"
    ONBOARDED = "onboarded"


@dataclass(frozen=True)
class Identity:
    """A visitor at one request: the user, their profile, and the token of their session."""

    user: SignedIn | None = None
    profile: Profile | None = None
    session_token: str | None = field(default=None, repr=False)
    without_user: Standing = Standing.SIGNED_OUT
    """The standing if there is no user."""

    @property
    def standing(self) -> Standing:
        """What the gate decides by."""
        if self.user is None:
            return self.without_user
        if self.user.banned:
            return Standing.BANNED
        if self.user.anonymous:
            return Standing.ANONYMOUS
        if self.profile is not None and self.profile.is_onboarded:
            return Standing.ONBOARDED
        return Standing.NOT_ONBOARDED


SIGNED_OUT = Identity()
UNVERIFIED = Identity(without_user=Standing.UNVERIFIED)
SESSION_ENDED = Identity(without_user=Standing.SESSION_ENDED)


class MainSiteUnavailable(Unavailable):
    """The main site doesn't answer who a visitor is. Nobody is signed out by that."""


class IdentitySource(Protocol):
    """Where identities come from."""

    def identify(self, session_token: str | None) -> Identity:
        """Return the identity for the token in the session cookie, `SIGNED_OUT` for None.

        Raise `Unavailable` if it can't be found out.
        """

    def problems(self) -> list[str]:
        """Return what keeps the app from working, a line each; [] if all fits.

        Raise `Unavailable` if the database doesn't answer.
        """
