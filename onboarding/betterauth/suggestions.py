"""What to set where a table or column isn't found under its name: variables with their values."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from sqlalchemy import Connection, text

# Columns that tell Better-Auth's tables from others, without their underscores and in small letters.
_SIGNS = {"USER": {"id", "email"}, "SESSION": {"token", "userid", "expiresat"}}

# A whole word of no name can be told from a table's columns alone: of several, the nearest come first.
_TABLES = text("""
    SELECT CAST(n.nspname AS text), CAST(c.relname AS text), n.nspname = current_schema()
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema'
      AND n.nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(n.oid, 'USAGE')
    GROUP BY 1, 2, 3
    HAVING array_agg(lower(replace(CAST(a.attname AS text), '_', ''))) @> :signs
""")
_MOST = 4


def similar_tables(connection: Connection, word: str) -> list[tuple[str, str, bool]]:
    """Return the tables that look like the one of `word`, USER or SESSION, the likeliest first.

    Each is its schema, its name, and whether it is in the connection's own schema.
    """
    rows = connection.execute(_TABLES, {"signs": sorted(_SIGNS[word])})
    found = [(schema, name, is_near) for schema, name, is_near in rows]
    return sorted(found, key=lambda one: (word.lower() not in one[1].lower(), not one[2], one[:2]))


def tables_to_set(connection: Connection, word: str) -> str:
    """Return the settings that name the tables that look like the one of `word`."""
    tables = similar_tables(connection, word)
    named = [one for one in tables if word.lower() in one[1].lower()]
    settings = " or ".join(
        f"BETTER_AUTH_{word}_TABLE={name}"
        + ("" if is_near else f" and BETTER_AUTH_SCHEMA={schema}")
        for schema, name, is_near in (named or tables)[:_MOST]
    )
    return f"set {settings or f'BETTER_AUTH_{word}_TABLE and BETTER_AUTH_SCHEMA to its names'}"


def other_sessions(connection: Connection, schema: str, name: str) -> dict[str, str]:
    """Return the other tables that could hold the sessions, each with the settings for it."""
    found = {}
    users = similar_tables(connection, "USER")
    for at, table, _ in similar_tables(connection, "SESSION"):
        if (at, table) == (schema, name) or "session" not in table.lower():
            continue
        settings = [f"BETTER_AUTH_SCHEMA={at}"] if at != schema else []
        # The users that go with it are called likewise.
        partner = _singular(table).replace("session", "user")
        alike = [user for where, user, _ in users if where == at and _singular(user) == partner]
        settings += [f"BETTER_AUTH_USER_TABLE={user}" for user in alike[:1]]
        found[f"{at}.{table}"] = " ".join([*settings, f"BETTER_AUTH_SESSION_TABLE={table}"])
    return found


def assignments(
    variable: str, known: Mapping[str, str], missing: Mapping[str, Iterable[str]]
) -> str:
    """Return the value of a variable of columns, such as ``userId=owner``, with the nearest columns.

    `missing` has the columns that each field could be, by their type.
    """
    pairs = dict(known)
    for field, columns in missing.items():
        free = [column for column in columns if column not in pairs.values()]
        near = get_close_matches(_plain(field), map(_plain, free), n=1, cutoff=0.5)
        named = [column for column in free if _plain(column) in near]
        # The only column of the right type is as good as a similar name.
        pairs[field] = named[0] if named else free[0] if len(free) == 1 else "…"
    value = ",".join(f"{field}={column}" for field, column in pairs.items())
    return f"set {variable}={value}, if that is how the main site renamed them"


def _singular(name: str) -> str:
    return name.lower().removesuffix("s")


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
