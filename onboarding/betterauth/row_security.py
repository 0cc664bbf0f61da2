"""What row-level security leaves of a table, which PostgreSQL itself says by no error."""

from sqlalchemy import Connection, text

# The commands of a policy (pg_policy.polcmd).
READING, SAVING = ("r",), ("r", "a", "w")
_ROW_SECURITY = text("""
    WITH policies AS (
        SELECT polcmd, polpermissive,
               coalesce(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) = 'true'
                   AS admits_all
        FROM pg_policy
        WHERE polrelid = to_regclass(:table) AND EXISTS (
            SELECT FROM unnest(polroles) role
            WHERE CASE role WHEN 0 THEN true ELSE pg_has_role(role, 'USAGE') END
        )
    ), commands AS (
        SELECT coalesce(bool_or(polpermissive), false) AS admits_some,
               coalesce(bool_or(polpermissive AND admits_all) AND bool_and(polpermissive), false)
                   AS admits_all
        FROM unnest(CAST(:commands AS text[])) command
        LEFT JOIN policies ON polcmd IN (CAST(command AS "char"), '*')
        GROUP BY command
    )
    SELECT CASE
        WHEN row_security_active(to_regclass(:table)) IS NOT TRUE OR bool_and(admits_all)
            THEN 'open'
        WHEN bool_and(admits_some) THEN 'filtered'
        ELSE 'hidden'
    END
    FROM commands
""")


def row_security(connection: Connection, quoted_name: str, commands: tuple[str, ...]) -> str:
    """Return what row-level security leaves of a table for this role and these commands.

    That is "open", "filtered" by conditions, or "hidden": then no row is ever read, without an error.
    """
    params = {"table": quoted_name, "commands": list(commands)}
    found: str | None = connection.scalar(_ROW_SECURITY, params)
    return found or "open"
