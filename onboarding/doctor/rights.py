"""The rights of the database role: enough to work, and no more."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from onboarding.betterauth.schema import Table
from onboarding.doctor.findings import Finding, fault, ok, warning
from onboarding.doctor.installation import Installation
from onboarding.doctor.sql import named, quoted
from onboarding.profiles.schema import TABLE

_GRANTS = "flask doctor --grants prints the SQL"
_TWO_ROLES = "give the app a role of its own: flask doctor --grants prints the SQL"

_FIRST_SCHEMA = text("SELECT current_schema()")
_ROLE = text("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
_USAGE = text("SELECT has_schema_privilege(CAST(to_regnamespace(:schema) AS oid), 'USAGE')")
_COLUMN = text("SELECT has_column_privilege(to_regclass(:table), :column, 'SELECT')")
_VERB = text("SELECT has_table_privilege(to_regclass(:table), :verb)")
_ANY_COLUMN = text("SELECT has_any_column_privilege(to_regclass(:table), :verb)")
_OWNS = text("""
    SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass(:table)
""")
_OWNS_SCHEMA = text("""
    SELECT CAST(nspname AS text) FROM pg_namespace
    JOIN pg_class c ON c.relnamespace = pg_namespace.oid
    WHERE c.oid = to_regclass(:table) AND pg_has_role(nspowner, 'MEMBER')
""")
_MAKES_ROLES = text("SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
# Since PostgreSQL 15.
_KNOWS_PARAMETERS = text("SELECT to_regprocedure('has_parameter_privilege(text, text)')")
_MAY_PASS_TRIGGERS = text("SELECT has_parameter_privilege('session_replication_role', 'SET')")
_FILTERED = text("SELECT row_security_active(to_regclass(:table))")
_PASSWORD = text("""
    SELECT has_column_privilege(attrelid, attnum, 'SELECT') FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attname = 'password' AND NOT attisdropped
""")


def enough(installation: Installation) -> Iterator[Finding]:
    """The role may do all that the app does."""
    if installation.ask(lambda connection: connection.scalar(_FIRST_SCHEMA)) is None:
        yield fault("this role has USAGE on no schema of its search_path", f"grant it: {_GRANTS}")
        return
    user = installation.user
    tables = [] if installation.by_http else [user, installation.session]
    missing = installation.ask(lambda connection: list(_missing(connection, user, tables)))
    filtered = installation.ask(lambda connection: list(_filtered(connection, tables)))
    for right in missing:
        yield fault(f"this role has no {right}", f"grant it: {_GRANTS}")
    for table in filtered:
        yield warning(
            f"row-level security is on for {table}: it may hide rows from this role",
            "give it a policy that shows all rows, or the role BYPASSRLS",
        )
    if not missing and not filtered:
        yield ok("the role may read and write all that the app does")


def not_too_much(installation: Installation) -> Iterator[Finding]:
    """The role can't do what the app never does."""
    tables = [installation.user, *([] if installation.by_http else [installation.session])]
    role, is_superuser = installation.ask(lambda connection: connection.execute(_ROLE).one())
    if is_superuser:
        yield warning(f"{role} is a superuser: it may do everything", _TWO_ROLES)
        return
    excess = installation.ask(lambda connection: list(_excess(connection, tables)))
    for right in excess:
        yield warning(f"{role} {right}", _TWO_ROLES)
    if not excess:
        yield ok("the role can do nothing that the app never does")


def _missing(connection: Connection, user: Table, tables: list[Table]) -> Iterator[str]:
    for schema in dict.fromkeys(table.schema for table in (user, *tables)):
        if not connection.scalar(_USAGE, {"schema": quoted(schema)}):
            yield f"USAGE on schema {schema}"
    for table in tables:
        name = named(table)
        for column in table.columns.values():
            if not connection.scalar(_COLUMN, {"table": name, "column": column}):
                yield f"SELECT on {table.schema}.{table.name}, column {column}"
    for verb in ("SELECT", "INSERT", "UPDATE"):
        # NULL without the table, which is another condition's matter.
        if connection.scalar(_VERB, {"table": TABLE, "verb": verb}) is False:
            yield f"{verb} on {TABLE}"


def _filtered(connection: Connection, tables: list[Table]) -> Iterator[str]:
    for name in (*map(named, tables), TABLE):
        if connection.scalar(_FILTERED, {"table": name}):
            yield name.replace('"', "")


def _excess(connection: Connection, tables: list[Table]) -> Iterator[str]:
    if connection.scalar(_OWNS, {"table": TABLE}):
        yield f"owns {TABLE}: it may drop the trigger that makes answers final"
    if (schema := connection.scalar(_OWNS_SCHEMA, {"table": TABLE})) is not None:
        yield f"owns schema {schema}: it may drop {TABLE}"
    for verb in ("DELETE", "TRUNCATE"):
        if connection.scalar(_VERB, {"table": TABLE, "verb": verb}):
            yield f"may {verb} {TABLE}"
    if connection.scalar(_VERB, {"table": TABLE, "verb": "TRIGGER"}):
        yield f"may make triggers on {TABLE}: one of them may change what is final"
    if connection.scalar(_KNOWS_PARAMETERS) and connection.scalar(_MAY_PASS_TRIGGERS):
        yield "may set session_replication_role: no trigger stops it then"
    if connection.scalar(_MAKES_ROLES):
        yield "may create roles: before PostgreSQL 16 it may become any but a superuser"
    for table in tables:
        name = named(table)
        for verb in ("INSERT", "UPDATE"):
            if connection.scalar(_ANY_COLUMN, {"table": name, "verb": verb}):
                yield f"may {verb} {table.schema}.{table.name}"
        if connection.scalar(_VERB, {"table": name, "verb": "DELETE"}):
            yield f"may DELETE {table.schema}.{table.name}"
    users = tables[0].schema
    for account in ("account", "accounts"):
        if connection.scalar(_PASSWORD, {"table": f"{quoted(users)}.{account}"}):
            yield f"may read {users}.{account}.password"
