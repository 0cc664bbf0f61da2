"""What is stored: the table made from the questions, and the rules by which a profile is saved."""

from onboarding.profiles.store import (
    ANY,
    AlreadyOnboarded,
    ProfileChanged,
    ProfileStore,
    Replacing,
    UserDeleted,
)
from onboarding.profiles.table import Profile

__all__ = [
    "ANY",
    "AlreadyOnboarded",
    "Profile",
    "ProfileChanged",
    "ProfileStore",
    "Replacing",
    "UserDeleted",
]
