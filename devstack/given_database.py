"""A database that somebody gives to the demo: it is used only if it is empty or the demo's own."""

import psycopg

from devstack.processes import StartFailed

MARK = "better_auth_onboarding_demo"
OWN_TABLES = {
    MARK,
    *("user", "session", "account", "verification"),
    *("user_profile", "onboarding_alembic_version"),
}

_TABLES = """
    SELECT n.nspname, c.relname
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
       AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
     ORDER BY 1, 2
"""


def claim(url: str) -> None:
    """Mark an empty database as the demo's. Raise `StartFailed` if it holds tables of anybody else."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            schema = connection.execute("SELECT current_schema()").fetchone()
            tables = connection.execute(_TABLES).fetchall()
            own = {(schema[0] if schema else "", name) for name in OWN_TABLES}
            is_marked = any(name == MARK for _, name in tables)
            foreign = [
                f"{place}.{name}"
                for place, name in tables
                if not is_marked or (place, name) not in own
            ]
            if foreign:
                raise StartFailed(
                    "the database of DEMO_DATABASE_URL holds tables that the demo didn't make "
                    f"({', '.join(foreign[:3])}{', …' if foreign[3:] else ''}): give it an empty one"
                )
            if not is_marked:
                connection.execute(f"CREATE TABLE {MARK} ()")
    except psycopg.Error as error:
        line = str(error).strip().partition("\n")[0]
        raise StartFailed(f"the database of DEMO_DATABASE_URL can't be used: {line}") from None
