"""Names in SQL that is made from what was found."""

from onboarding.betterauth.schema import Table


def quoted(name: str) -> str:
    """Give a name as PostgreSQL takes it to the letter.

    A "%" is doubled by nobody here: no statement made of these names has parameters.
    """
    return '"' + name.replace('"', '""') + '"'


def named(table: Table) -> str:
    """Give a table's full name, likewise."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"
