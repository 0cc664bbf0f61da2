"""The rights of the app's database role: checks that they suffice without excess."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, func, select, text

from onboarding.betterauth.row_security import READING, SAVING, row_security
from onboarding.betterauth.schema import Table, column_types, quoted
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.profiles.schema import own_table
from onboarding.profiles.table import TABLE

_COMMAND = "better-auth-onboarding doctor --grants prints the SQL"
GRANTS_FIX = f"grant it: {_COMMAND}"
_SEPARATE_ROLE = f"give the app a role of its own: {_COMMAND}"

_ROLE = text("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
_HAS_USAGE = text("SELECT has_schema_privilege(CAST(to_regnamespace(:schema) AS oid), 'USAGE')")
# What roles beside the owner and this one may do; everybody is PUBLIC. If this is the owner, another
# role with the app's own rights is most likely the app's.
_OTHER_RIGHTS = text("""
    SELECT coalesce(CAST(rolname AS text), 'PUBLIC'),
           string_agg(privilege_type, ', ' ORDER BY privilege_type)
    FROM pg_class c
    CROSS JOIN aclexplode(c.relacl)
    LEFT JOIN pg_roles r ON r.oid = grantee
    WHERE c.oid = to_regclass(:table) AND grantee <> c.relowner
      AND rolname IS DISTINCT FROM current_user AND (grantee = 0 OR privilege_type <> 'SELECT')
    GROUP BY grantee, c.relowner, 1
    HAVING grantee = 0 OR NOT pg_has_role(c.relowner, 'MEMBER')
        OR NOT array_agg(privilege_type) <@ ARRAY['INSERT', 'UPDATE']
    ORDER BY 1
""")
_OWNS_TABLE = text("""
    SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass(:table)
""")
_OWNED_SCHEMA = text("""
    SELECT CAST(nspname AS text) FROM pg_namespace
    JOIN pg_class c ON c.relnamespace = pg_namespace.oid
    WHERE c.oid = to_regclass(:table) AND pg_has_role(nspowner, 'MEMBER')
""")
_MAY_CREATE_ROLES = text("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
# Since PostgreSQL 15.
_HAS_PARAMETER_RIGHTS = text("SELECT to_regprocedure('has_parameter_privilege(text, text)')")
_MAY_SKIP_TRIGGERS = text("SELECT has_parameter_privilege('session_replication_role', 'SET')")


def sufficient(installation: Installation) -> Iterator[Finding]:
    """The role may do everything that the app does."""
    if installation.query(lambda c: c.scalar(text("SELECT current_schema()"))) is None:
        yield fault("this role has no USAGE on any schema of its search_path", GRANTS_FIX)
        return
    user, tables = installation.user, installation.tables_read
    missing = installation.query(lambda c: list(_missing(c, user, tables)))
    for right in missing:
        yield fault(f"this role has no {right}", GRANTS_FIX)
    filtered = installation.query(lambda c: list(_row_security(c, tables)))
    yield from filtered
    if not missing and not filtered:
        yield ok("the role may read and write everything that the app does")


def excessive(installation: Installation) -> Iterator[Finding]:
    """The role may do nothing else."""
    tables = installation.tables_read or [installation.user]
    role, is_superuser = installation.query(lambda c: c.execute(_ROLE).one())
    excess = (
        ["is a superuser and may do everything"]
        if is_superuser
        else installation.query(lambda c: list(_excess(c, tables)))
    )
    foreign_rights = installation.query(
        lambda c: c.execute(_OTHER_RIGHTS, {"table": own_table(c)}).all()
    )
    for right in excess:
        yield warning(f"{role} {right}", _SEPARATE_ROLE)
    for role_name, verbs in foreign_rights:
        yield warning(
            f"{role_name} may {verbs} {TABLE}",
            f"unless it must: REVOKE {verbs} ON {TABLE} FROM {role_name}",
        )
    if not excess and not foreign_rights:
        yield ok("the role may do nothing that the app never does")


def privilege(
    connection: Connection, function: Callable[..., Any], table: str, *arguments: str
) -> bool | None:
    """Return whether this role has a privilege on a table; None if there is no such table.

    `function` is one of PostgreSQL's `has_..._privilege`, for instance `func.has_table_privilege`.
    """
    answer: bool | None = connection.scalar(select(function(func.to_regclass(table), *arguments)))
    return answer


def _missing(connection: Connection, user: Table, tables: list[Table]) -> Iterator[str]:
    for schema in dict.fromkeys(table.schema for table in (user, *tables)):
        if not connection.scalar(_HAS_USAGE, {"schema": quoted(schema)}):
            yield f"USAGE on schema {schema}"
    for table in tables:
        for column in table.columns.values():
            if not privilege(
                connection, func.has_column_privilege, table.quoted_name, column, "SELECT"
            ):
                yield f"SELECT on {table.schema}.{table.name}, column {column}"
    for verb in ("SELECT", "INSERT", "UPDATE"):
        # None without the table, which has a condition of its own.
        profile = own_table(connection)
        if profile and privilege(connection, func.has_table_privilege, profile, verb) is False:
            yield f"{verb} on {TABLE}"


def _row_security(connection: Connection, tables: list[Table]) -> Iterator[Finding]:
    names = {table.quoted_name: f"{table.schema}.{table.name}" for table in tables}
    for quoted_name, name in {**names, own_table(connection) or TABLE: TABLE}.items():
        match row_security(connection, quoted_name, SAVING if name == TABLE else READING):
            case "hidden":
                yield fault(
                    f"row-level security lets this role {'save' if name == TABLE else 'read'} no row of "
                    f"{name}",
                    f"add a policy: {_COMMAND}",
                )
            case "filtered":
                yield warning(
                    f"row-level security is on for {name}: it may hide rows from this role",
                    "see that a policy shows it all rows",
                )


def _excess(connection: Connection, tables: list[Table]) -> Iterator[str]:
    profile = own_table(connection) or TABLE
    if connection.scalar(_OWNS_TABLE, {"table": profile}):
        yield f"owns {TABLE}: it may drop the trigger that makes answers final"
    if (schema := connection.scalar(_OWNED_SCHEMA, {"table": profile})) is not None:
        yield f"owns schema {schema}: it may drop {TABLE}"
    for verb in ("DELETE", "TRUNCATE"):
        if privilege(connection, func.has_table_privilege, profile, verb):
            yield f"may {verb} {TABLE}"
    if privilege(connection, func.has_table_privilege, profile, "TRIGGER"):
        yield f"may create triggers on {TABLE}, which could change final answers"
    if connection.scalar(_HAS_PARAMETER_RIGHTS) and connection.scalar(_MAY_SKIP_TRIGGERS):
        yield "may set session_replication_role, which turns all triggers off"
    if connection.scalar(_MAY_CREATE_ROLES):
        yield "may create roles: before PostgreSQL 16 it may become any but a superuser"
    for table in tables:
        for verb in ("INSERT", "UPDATE"):
            if privilege(connection, func.has_any_column_privilege, table.quoted_name, verb):
                yield f"may {verb} {table.schema}.{table.name}"
        if privilege(connection, func.has_table_privilege, table.quoted_name, "DELETE"):
            yield f"may DELETE {table.schema}.{table.name}"
    schema = tables[0].schema
    for account in ("account", "accounts"):
        name = quoted(schema, account)
        if "password" in column_types(connection, name) and privilege(
            connection, func.has_column_privilege, name, "password", "SELECT"
        ):
            yield f"may read {schema}.{account}.password"
