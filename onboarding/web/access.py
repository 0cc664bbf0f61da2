"""Who may go where: one table of doors, and one pure decision."""

from enum import Enum

from onboarding.identity import Standing


class Area(Enum):
    """What stands behind a door, and so who may pass it."""

    OPEN = "open to all"
    PROBE = "open to all, under any host name"
    WIZARD = "for those who aren't onboarded yet"
    PROFILE = "for those who are onboarded"
    API = "for those who are signed in"


class Kind(Enum):
    """How a request comes, which decides where a refused one may be sent."""

    TOP = "a page, asked for by the browser's own window"
    FRAME = "a page inside another page"
    FORM = "a form that was sent"


class Verdict(Enum):
    """What the gate does with a request."""

    LET_IN = "let in"
    SIGN_IN = "send to the main site's sign-in page"
    SIGNED_OUT = "send to our own signed-out page"
    UNAUTHORIZED = "refuse with 401"
    WIZARD = "send to the wizard"
    PROFILE = "send to the profile"


# Below it stands the wizard, nothing else.
WIZARD_PATH = "/onboarding"

# Every endpoint stands here, or the gate treats it as PROFILE, the most guarded.
AREAS: dict[str, Area] = {
    "files.file": Area.OPEN,
    "profile.home": Area.OPEN,
    "signed_out.page": Area.OPEN,
    "health.alive": Area.PROBE,
    "health.ready": Area.PROBE,
    "wizard.start": Area.WIZARD,
    "wizard.question": Area.WIZARD,
    "wizard.answer": Area.WIZARD,
    "wizard.review": Area.WIZARD,
    "wizard.confirm": Area.WIZARD,
    "profile.page": Area.PROFILE,
    "api.read": Area.API,
    "api.save": Area.API,
    "api.document": Area.OPEN,
}


def area_of(endpoint: str) -> Area:
    """Give the area of an endpoint; one that nobody listed is guarded, not open."""
    return AREAS.get(endpoint, Area.PROFILE)


def decide(area: Area, standing: Standing, kind: Kind) -> Verdict:
    """Decide on a request. Total: every area, standing and kind has one verdict.

    Neither the main site's sign-in page inside a frame nor another origin as the answer to a form:
    the first is refused by identity providers, the second by `form-action 'self'` in Chromium and
    WebKit (measured).
    """
    if area in (Area.OPEN, Area.PROBE):
        return Verdict.LET_IN
    if standing not in (Standing.NOT_ONBOARDED, Standing.ONBOARDED):
        if area is Area.API:
            return Verdict.UNAUTHORIZED
        # The main site takes the others for signed in and would send them straight back.
        if kind is Kind.TOP and standing is Standing.SIGNED_OUT:
            return Verdict.SIGN_IN
        return Verdict.SIGNED_OUT
    if area is Area.WIZARD and standing is Standing.ONBOARDED:
        return Verdict.PROFILE
    if area is Area.PROFILE and standing is Standing.NOT_ONBOARDED:
        return Verdict.WIZARD
    return Verdict.LET_IN
