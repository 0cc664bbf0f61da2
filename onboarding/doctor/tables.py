"""The main site's tables, as this app reads them."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from sqlalchemy import Connection, text

from onboarding.betterauth.schema import (
    SchemaMisfit,
    Table,
    TableNames,
    find_session_table,
    find_user_table,
)
from onboarding.betterauth.session import select_signed_in
from onboarding.database import SchemaChanged
from onboarding.doctor.findings import Finding, fault, ok, split, warning
from onboarding.doctor.installation import Installation, Missing
from onboarding.doctor.sql import named, quoted

_NAIVE = "timestamp without time zone"
_PLUGINS = {
    "bans": ("banned", "banExpires"),
    "guests": ("isAnonymous",),
    "impersonation": ("impersonatedBy",),
}

# A sign-in is never in the future; so much is left to the clocks.
_TOLERANCE = timedelta(minutes=5)
# Better-Auth's default session.expiresIn, and the time zone furthest east.
_WEEK, _FURTHEST_EAST = timedelta(days=7), timedelta(hours=14)

_MADE_AT = text("""
    SELECT CAST(attname AS text), format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attname IN ('createdAt', 'created_at')
    AND has_column_privilege(attrelid, attnum, 'SELECT') AND NOT attisdropped
    AND atttypid IN (CAST('timestamp' AS regtype), CAST('timestamptz' AS regtype))
""")


def user(installation: Installation) -> Iterator[Finding]:
    """The user table has the columns that are read, in types that can be read."""
    yield _found(installation, find_user_table, "BETTER_AUTH_USER_FIELDS")


def session(installation: Installation) -> Iterator[Finding]:
    """The session table has the columns that are read, in types that can be read."""
    if installation.by_http:
        raise Missing("not needed: SESSION_SOURCE is http")
    yield _found(installation, find_session_table, "BETTER_AUTH_SESSION_FIELDS")


def look_up(installation: Installation) -> Iterator[Finding]:
    """The query behind every page runs; it is tried with a token that nobody has."""
    statement, _ = select_signed_in(installation.layout)
    try:
        installation.ask(lambda connection: connection.execute(statement, {"token": ""}).all())
    except SchemaChanged as changed:
        yield fault(
            f"the query that looks a session up fails: {changed}",
            "see the rights and the types above",
        )
    else:
        yield ok("the query that looks a session up runs")


def plugins(installation: Installation) -> Iterator[Finding]:
    """Which columns of plugins there are to be heeded."""
    columns = {**installation.user.columns, **installation.session.columns}
    told = []
    for what, fields in _PLUGINS.items():
        there = [columns[name] for name in fields if name in columns]
        told.append(f"{what}: {', '.join(there) or 'none'}")
    yield ok("; ".join(told))


def times(installation: Installation) -> Iterator[Finding]:
    """Times are instants, or naive ones in UTC."""
    naive = [
        f"{table.name}.{table.columns[name]}"
        for table in (installation.session, installation.user)
        for name, kind in table.types.items()
        if kind == _NAIVE
    ]
    evidence = installation.ask(lambda connection: _evidence(connection, installation.session))
    if evidence is not None:
        yield evidence
    elif naive:
        yield warning(
            f"{', '.join(naive)}: no time zone, so taken for UTC",
            "right for Drizzle; an old Kysely table needs the main site's Node to run with TZ=UTC",
        )
    else:
        yield ok("times have their time zone")


def _evidence(connection: Connection, table: Table) -> Finding | None:
    """Look for a session from the future, which a main site that writes local time would make."""
    name = named(table)
    for column, kind in connection.execute(_MADE_AT, {"table": name}).all():
        ahead = _newest(connection, name, column, naive=kind == _NAIVE)
        if ahead is not None and ahead > _TOLERANCE:
            minutes = ahead // timedelta(minutes=1)
            return fault(
                f"the newest session was made {minutes} minutes in the future, by UTC",
                "let the main site's Node run with TZ=UTC, and sign in anew"
                if kind == _NAIVE
                else "set the main site's clock",
            )
        return None
    # Only what the app needs may be read. More than a week left is odd where a week is the most.
    column, naive = table.columns["expiresAt"], table.types["expiresAt"] == _NAIVE
    left = _newest(connection, name, column, naive=naive) if naive else None
    if left is not None and _WEEK + _TOLERANCE < left <= _WEEK + _FURTHEST_EAST:
        hours = (left - _WEEK) / timedelta(hours=1)
        return warning(
            f"the newest session ends {hours:.1f} hours later than a week from now, by UTC",
            "unless session.expiresIn is longer there, the main site writes local time: "
            "let its Node run with TZ=UTC",
        )
    return None


def _newest(connection: Connection, table: str, column: str, *, naive: bool) -> timedelta | None:
    column, now = quoted(column), "timezone('utc', now())" if naive else "now()"
    # Some keep a session for ever, until 'infinity'.
    query = f"SELECT max({column}) FILTER (WHERE isfinite({column})) - {now} FROM {table}"  # noqa: S608
    newest: timedelta | None = connection.exec_driver_sql(query).scalar()
    return newest


def _found(
    installation: Installation, find: Callable[[Connection, TableNames], Table], variable: str
) -> Finding:
    names = installation.database_settings.tables
    try:
        table = installation.ask(lambda connection: find(connection, names))
    except SchemaMisfit as misfit:
        says, mend = split(str(misfit))
        return fault(says, mend or f"where the main site renamed a field, say so in {variable}")
    except SchemaChanged as refused:
        return fault(
            str(refused), "grant it: flask doctor --grants prints the SQL to a fuller role"
        )
    return ok(f"{table.schema}.{table.name}: {', '.join(_columns(table))}")


def _columns(table: Table) -> Iterator[str]:
    for name, column in table.columns.items():
        yield f"{name if name == column else f'{name} as {column}'} {table.types[name]}"
