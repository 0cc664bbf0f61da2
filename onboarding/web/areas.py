"""Which endpoint belongs to which area, and so who may use it."""

from enum import Enum


class Area(Enum):
    """Who may use an endpoint."""

    ANY_HOST = "everybody, under any host name"
    OPEN = "everybody"
    WIZARD = "users who aren't onboarded yet"
    PROFILE = "users who are onboarded"
    API = "users who are signed in"


# An endpoint that isn't listed is guarded like PROFILE.
AREAS: dict[str, Area] = {
    "static": Area.ANY_HOST,
    "static_files.embed_script": Area.ANY_HOST,
    "health.alive": Area.ANY_HOST,
    "health.ready": Area.ANY_HOST,
    "signed_out.page": Area.OPEN,
    "continue_page.page": Area.OPEN,
    "api.document": Area.OPEN,
    "wizard.start": Area.WIZARD,
    "wizard.question": Area.WIZARD,
    "wizard.answer": Area.WIZARD,
    "wizard.review": Area.WIZARD,
    "wizard.confirm": Area.WIZARD,
    "profile.home": Area.PROFILE,
    "profile.page": Area.PROFILE,
    "api.read": Area.API,
    "api.save": Area.API,
}


def area_of(endpoint: str) -> Area:
    """Return the area of an endpoint."""
    return AREAS.get(endpoint, Area.PROFILE)
