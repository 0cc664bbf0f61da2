"""Checks of the tables: the main site's as the app reads them, and the app's own."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import (
    Connection,
    DateTime,
    Interval,
    cast,
    column,
    func,
    literal,
    select,
    table,
    text,
)

from onboarding.betterauth.schema import (
    OTHER_SPELLINGS,
    SESSION_FIELDS,
    TIMESTAMP,
    TIMESTAMPTZ,
    SchemaError,
    Table,
    TableNames,
    column_types,
    find_session_table,
    find_user_table,
)
from onboarding.betterauth.session import select_signed_in
from onboarding.betterauth.suggestions import similar_tables
from onboarding.database import SchemaMismatch
from onboarding.doctor.installation import VERSION_TABLE, Installation, Missing
from onboarding.doctor.report import Finding, Level, fault, ok, skipped, warning
from onboarding.doctor.rights import GRANTS_FIX, privilege
from onboarding.profiles.schema import table_problems
from onboarding.profiles.table import TABLE

_MIGRATIONS = Path(__file__).parents[2] / "migrations"

_PLUGINS = {
    "bans": ("banned", "banExpires"),
    "guests": ("isAnonymous",),
    "impersonation": ("impersonatedBy",),
}
# A session is never created in the future; this much is left to the clocks.
_TOLERANCE = timedelta(minutes=5)
# Better-Auth's default session.expiresIn, and the easternmost time zone.
_WEEK, _MAX_OFFSET = timedelta(days=7), timedelta(hours=14)


def user(installation: Installation) -> Iterator[Finding]:
    """The user table has the columns that the app reads, in types that it can read."""
    yield _found(installation, find_user_table, "BETTER_AUTH_USER_FIELDS")


def session(installation: Installation) -> Iterator[Finding]:
    """The session table has the columns that the app reads, in types that it can read."""
    if installation.uses_http:
        raise Missing("not needed: SESSION_SOURCE is http")
    found = _found(installation, find_session_table, "BETTER_AUTH_SESSION_FIELDS")
    yield found
    if found.level is not Level.OK:
        return
    own = (installation.session.schema, installation.session.name)
    for schema, name, _ in installation.query(lambda c: similar_tables(c, "SESSION")):
        if "session" in name.lower() and (schema, name) != own:
            yield warning(
                f"{schema}.{name} could hold the sessions, too",
                f"if the main site uses it, set BETTER_AUTH_SESSION_TABLE={name}, and "
                f"BETTER_AUTH_SCHEMA={schema} and BETTER_AUTH_USER_TABLE to match",
            )


def plugins(installation: Installation) -> Iterator[Finding]:
    """Which columns of Better-Auth's plugins the app reads."""
    columns = {**installation.user.columns, **installation.session.columns}
    found = {
        plugin: ", ".join(columns[field] for field in fields if field in columns)
        for plugin, fields in _PLUGINS.items()
    }
    yield ok("; ".join(f"{plugin}: {names or 'none'}" for plugin, names in found.items()))
    for field, column_name in columns.items():
        if column_name in OTHER_SPELLINGS.get(field, ()):
            variable = "SESSION" if field in SESSION_FIELDS else "USER"
            yield warning(
                f"column {column_name} is read as {field}",
                f"if it means something else, set BETTER_AUTH_{variable}_FIELDS={field}=",
            )


def look_up(installation: Installation) -> Iterator[Finding]:
    """The query behind every page runs; it is tried with a token that nobody has."""
    statement, _ = select_signed_in(installation.layout)
    try:
        installation.query(lambda connection: connection.execute(statement, {"token": ""}).all())
    except SchemaMismatch as error:
        yield fault(
            f"the query that looks up a session fails: {error}", "see the rights and types above"
        )
        return
    has_users, has_sessions = installation.query(
        lambda c: (_has_rows(c, installation.user), _has_rows(c, installation.session))
    )
    if has_users and not has_sessions:
        yield warning(
            "there are users and not one session: they may be in a secondary storage alone",
            "then set session.storeSessionInDatabase on the main site, or SESSION_SOURCE=http here",
        )
    else:
        yield ok("the query that looks up a session runs")


def times(installation: Installation) -> Iterator[Finding]:
    """Times have a time zone, or are in UTC."""
    naive = [
        f"{found.name}.{found.columns[field]}"
        for found in (installation.session, installation.user)
        for field, type_name in found.types.items()
        if type_name == TIMESTAMP
    ]
    local_time = installation.query(lambda c: _local_time(c, installation.session))
    if local_time is not None:
        yield local_time
    elif naive:
        yield warning(
            f"{', '.join(naive)} without a time zone: the app reads the times as UTC",
            "right for Drizzle; an old Kysely table needs the main site's Node to run with TZ=UTC",
        )
    else:
        yield ok("times have their time zone")


def user_profile(installation: Installation) -> Iterator[Finding]:
    """Columns, CHECKs, keys and trigger of user_profile are those of the questions and migrations."""
    user_id_type = installation.user.id_type
    problems = installation.query(
        lambda connection: table_problems(connection, installation.questionnaire, user_id_type)
    )
    for problem in problems:
        yield fault(problem.message, problem.fix)
    if not problems:
        yield ok(f"columns, CHECKs, keys and trigger of {TABLE} are as they should be")


def migrations(installation: Installation) -> Iterator[Finding]:
    """All migrations of this release have run."""
    # Without a user table this isn't the main site's database, and no migration can run.
    _ = installation.user
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    revisions = installation.query(_revisions)
    if revisions is None:
        yield skipped(f"this role may not read {VERSION_TABLE}")
    elif revisions == [head]:
        yield ok(f"the database is at {head}, the latest migration")
    else:
        yield fault(
            f"the database is at {', '.join(revisions) or 'no migration'}, the latest is {head}",
            "run alembic upgrade head",
        )


def _has_rows(connection: Connection, found: Table) -> bool:
    source = table(found.name, schema=found.schema)
    return bool(connection.scalar(select(select(literal(1)).select_from(source).exists())))


def _revisions(connection: Connection) -> list[str] | None:
    """Return the revisions that have run; None if this role may not read them."""
    if connection.scalar(text("SELECT current_schema()")) is None:
        return None
    may_read = privilege(connection, func.has_table_privilege, VERSION_TABLE, "SELECT")
    if not may_read:
        return [] if may_read is None else None
    return list(connection.scalars(select(column("version_num")).select_from(table(VERSION_TABLE))))


def _found(
    installation: Installation, find: Callable[[Connection, TableNames], Table], variable: str
) -> Finding:
    names = installation.database_settings.tables
    try:
        found = installation.query(lambda connection: find(connection, names))
    except SchemaError as error:
        fix = error.fix or f"if the main site renamed the field, set {variable}"
        return fault(error.message, fix)
    except SchemaMismatch as error:
        return fault(str(error), GRANTS_FIX)
    columns = (
        f"{field if field == name else f'{field} as {name}'} {found.types[field]}"
        for field, name in found.columns.items()
    )
    return ok(f"{found.schema}.{found.name}: {', '.join(columns)}")


def _local_time(connection: Connection, found: Table) -> Finding | None:
    """Look for sessions from the future, which a main site makes that writes local time."""
    types = column_types(connection, found.quoted_name)
    for name in ("createdAt", "created_at"):
        if types.get(name) not in (TIMESTAMP, TIMESTAMPTZ):
            continue
        if not privilege(connection, func.has_column_privilege, found.quoted_name, name, "SELECT"):
            continue
        ahead = _newest(connection, found, name, is_naive=types[name] == TIMESTAMP)
        if ahead is None or ahead <= _TOLERANCE:
            return None
        return fault(
            f"the newest session was created {ahead // timedelta(minutes=1)} minutes "
            "in the future, by UTC",
            "run the main site's Node with TZ=UTC, and sign in again"
            if types[name] == TIMESTAMP
            else "correct the main site's clock",
        )
    # The role may read only what the app needs. Then the expiry is the evidence: more than a week is
    # odd where a week is the maximum.
    if found.types["expiresAt"] != TIMESTAMP:
        return None
    left = _newest(connection, found, found.columns["expiresAt"], is_naive=True)
    if left is None or not _WEEK + _TOLERANCE < left <= _WEEK + _MAX_OFFSET:
        return None
    return warning(
        f"the newest session expires {(left - _WEEK) / timedelta(hours=1):.1f} hours later than "
        "a week from now, by UTC",
        "unless session.expiresIn is longer there, the main site writes local time: "
        "run its Node with TZ=UTC",
    )


def _newest(connection: Connection, found: Table, name: str, *, is_naive: bool) -> timedelta | None:
    """Return how far the latest time in a column is ahead of now."""
    time = column(name, DateTime)
    now = func.timezone("utc", func.now()) if is_naive else func.now()
    # Some sites keep a session for ever, until 'infinity'.
    latest = func.max(time).filter(func.isfinite(time))
    source = table(found.name, time, schema=found.schema)
    return connection.scalar(select(cast(latest - now, Interval)).select_from(source))
