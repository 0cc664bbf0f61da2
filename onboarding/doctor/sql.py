"""Names in SQL that is made from what was found."""


def quoted(name: str) -> str:
    """Give a name as PostgreSQL takes it to the letter.

    A "%" is doubled by nobody here: no statement made of these names has parameters.
    """
    return '"' + name.replace('"', '""') + '"'
