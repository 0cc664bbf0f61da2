"""The rights of the database roles: checks that they suffice without excess, and the SQL for them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, text

from onboarding.betterauth.schema import Table, column_types, quoted
from onboarding.doctor.installation import VERSION_TABLE, Installation
from onboarding.doctor.report import Finding, fault, ok, warning
from onboarding.profiles.table import FINAL, TABLE

_COMMAND = "better-auth-onboarding doctor --grants prints the SQL"
GRANTS_FIX = f"grant it: {_COMMAND}"
_SEPARATE_ROLE = f"give the app a role of its own: {_COMMAND}"

_ROLE = text("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
_HAS_USAGE = text("SELECT has_schema_privilege(CAST(to_regnamespace(:schema) AS oid), 'USAGE')")
_HAS_POLICIES = text("SELECT row_security_active(to_regclass(:table))")
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

_LOCATION = text("""
    SELECT current_schema(), s.setting, s.source, CAST(o.rolname AS text),
           current_schema() = current_user
    FROM pg_settings s
    LEFT JOIN pg_class c ON c.oid = to_regclass(:table)
    LEFT JOIN pg_roles o ON o.oid = c.relowner
    WHERE s.name = 'search_path'
""")
_EXISTING_ROLES = text("SELECT CAST(rolname AS text) FROM pg_roles WHERE rolname = ANY (:names)")


def sufficient(installation: Installation) -> Iterator[Finding]:
    """The role may do everything that the app does."""
    if installation.query(lambda c: c.scalar(text("SELECT current_schema()"))) is None:
        yield fault("this role has no USAGE on any schema of its search_path", GRANTS_FIX)
        return
    user, tables = installation.user, installation.tables_read
    missing = installation.query(lambda c: list(_missing(c, user, tables)))
    filtered = installation.query(lambda c: list(_filtered(c, tables)))
    for right in missing:
        yield fault(f"this role has no {right}", GRANTS_FIX)
    for name in filtered:
        yield warning(
            f"row-level security is on for {name}: it may hide rows from this role",
            "add a policy that shows it all rows, or give it BYPASSRLS",
        )
    if not missing and not filtered:
        yield ok("the role may read and write everything that the app does")


def excessive(installation: Installation) -> Iterator[Finding]:
    """The role may do nothing else."""
    tables = installation.tables_read or [installation.user]
    role, is_superuser = installation.query(lambda c: c.execute(_ROLE).one())
    if is_superuser:
        yield warning(f"{role} is a superuser and may do everything", _SEPARATE_ROLE)
        return
    excess = installation.query(lambda c: list(_excess(c, tables)))
    for right in excess:
        yield warning(f"{role} {right}", _SEPARATE_ROLE)
    if not excess:
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
        if privilege(connection, func.has_table_privilege, TABLE, verb) is False:
            yield f"{verb} on {TABLE}"


def _filtered(connection: Connection, tables: list[Table]) -> Iterator[str]:
    names = {table.quoted_name: f"{table.schema}.{table.name}" for table in tables} | {TABLE: TABLE}
    for quoted_name, name in names.items():
        if connection.scalar(_HAS_POLICIES, {"table": quoted_name}):
            yield name


def _excess(connection: Connection, tables: list[Table]) -> Iterator[str]:
    if connection.scalar(_OWNS_TABLE, {"table": TABLE}):
        yield f"owns {TABLE}: it may drop the trigger that makes answers final"
    if (schema := connection.scalar(_OWNED_SCHEMA, {"table": TABLE})) is not None:
        yield f"owns schema {schema}: it may drop {TABLE}"
    for verb in ("DELETE", "TRUNCATE"):
        if privilege(connection, func.has_table_privilege, TABLE, verb):
            yield f"may {verb} {TABLE}"
    if privilege(connection, func.has_table_privilege, TABLE, "TRIGGER"):
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


@dataclass(frozen=True)
class _Location:
    """The schema of the app's table, how roles find it, who owns it, and which roles exist.

    `search_path` is None if roles need no setting of their own; `owner` if there is no table yet.
    """

    schema: str
    search_path: str | None
    owner: str | None
    roles: frozenset[str]


def grants(installation: Installation, owner: str, app: str) -> str:
    """Return the SQL that gives the two roles their rights and no more, for the tables found.

    The owner of the main site's tables runs the first part, `owner` the second. Raise `Missing` if
    the tables can't be found, `Unavailable` without a database.
    """
    location = installation.query(lambda connection: _locate(connection, (owner, app)))
    user, tables = installation.user, installation.tables_read
    schema = quoted(location.schema)
    owner_role, app_role = _role(location, owner), _role(location, app)
    heading = "-- Before alembic upgrade head, as the owner of the main site's tables"
    if owner_role or app_role:
        heading += ", who must also be\n-- allowed to create roles"
    return "\n".join(
        [
            f"{heading}:",
            *owner_role,
            *_usage(owner, [location.schema, user.schema], creates_in=location.schema),
            f"GRANT {_key_rights(location, user)} ON {user.quoted_name} TO {quoted(owner)};",
            *_transfer(location, owner),
            "",
            *app_role,
            # The app looks up the type of user ids, even where it reads no row of the user table.
            *_usage(app, [location.schema, user.schema, *(table.schema for table in tables)]),
            *(
                f"GRANT SELECT ({', '.join(map(quoted, table.columns.values()))}) "
                f"ON {table.quoted_name} TO {quoted(app)};"
                for table in tables
            ),
            "",
            f"-- Run alembic upgrade head as {owner}, and then, also as {owner}:",
            f"GRANT SELECT, INSERT, UPDATE ON {schema}.{TABLE} TO {quoted(app)};",
            f"GRANT SELECT ON {schema}.{VERSION_TABLE} TO {quoted(app)};",
            "-- And for the role of the main site, to read the answers:",
            f"-- GRANT SELECT ON {schema}.{TABLE} TO ...;",
        ]
    )


def _locate(connection: Connection, roles: tuple[str, str]) -> _Location:
    row = connection.execute(_LOCATION, {"table": TABLE}).one()
    schema, search_path, source, owner, is_roles_own = row
    if is_roles_own:
        # The "$user" of the search_path leads each other role to another schema.
        search_path = f"{quoted(schema)}, public"
    existing = frozenset(connection.scalars(_EXISTING_ROLES, {"names": list(roles)}))
    # A search_path that was set for this role must be set for others; one that was set for the
    # database, or in DATABASE_URL, holds for them as well.
    is_for_role = is_roles_own or source in ("user", "database user")
    return _Location(schema or "public", search_path if is_for_role else None, owner, existing)


def _role(location: _Location, role: str) -> list[str]:
    lines = []
    if role not in location.roles:
        # Without a password nobody can log in yet; a placeholder could be forgotten.
        lines.append(f"CREATE ROLE {quoted(role)} LOGIN;  -- then set its password")
    if location.search_path is not None:
        lines.append(f"ALTER ROLE {quoted(role)} SET search_path = {location.search_path};")
    return lines


def _usage(role: str, schemas: list[str], *, creates_in: str | None = None) -> list[str]:
    return [
        f"GRANT USAGE{', CREATE' if schema == creates_in else ''} "
        f"ON SCHEMA {quoted(schema)} TO {quoted(role)};"
        for schema in dict.fromkeys(schemas)
    ]


def _key_rights(location: _Location, user: Table) -> str:
    # To adopt an existing table, the migration looks for rows without a user. A list of columns
    # belongs to the verb before it.
    verbs = ["REFERENCES"] if location.owner is None else ["SELECT", "REFERENCES"]
    return ", ".join(f"{verb} ({quoted(user.columns['id'])})" for verb in verbs)


def _transfer(location: _Location, owner: str) -> list[str]:
    if location.owner in (None, owner):
        return []
    schema = quoted(location.schema)
    return [
        f"ALTER TABLE {schema}.{TABLE} OWNER TO {quoted(owner)};",
        f"ALTER TABLE IF EXISTS {schema}.{VERSION_TABLE} OWNER TO {quoted(owner)};",
        f"DO $$ BEGIN ALTER FUNCTION {schema}.{FINAL}() OWNER TO {quoted(owner)};",
        "EXCEPTION WHEN undefined_function THEN NULL; END $$;",
    ]
