"""Alembic's migrations of our table and our version table, and of no other."""

from onboarding.betterauth.schema import quoted


def identifier(*names: str) -> str:
    """Return a name, or its parts joined by dots, quoted for `op.execute`."""
    # The backslash keeps a colon from being read as the mark of a bound parameter.
    return quoted(*names).replace(":", "\\:")
