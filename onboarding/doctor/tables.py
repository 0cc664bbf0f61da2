"""Checks of the tables: the main site's as the app reads them, and the app's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, column, func, literal, select, table, text

from onboarding.betterauth.schema import (
    OTHER_SPELLINGS,
    SESSION_FIELDS,
    SchemaError,
    Table,
    TableNames,
    find_session_table,
    find_user_table,
    quoted,
)
from onboarding.betterauth.session import select_signed_in
from onboarding.betterauth.suggestions import other_sessions
from onboarding.database import SchemaMismatch
from onboarding.doctor.installation import VERSION_TABLE, Installation, Missing
from onboarding.doctor.report import Finding, Level, fault, ok, skipped, warning
from onboarding.doctor.rights import GRANTS_FIX, privilege
from onboarding.profiles.schema import foreign_table, table_problems
from onboarding.profiles.table import TABLE

_MIGRATIONS = Path(__file__).parents[2] / "migrations"

_PLUGINS = {
    "bans": ("banned", "banExpires"),
    "guests": ("isAnonymous",),
    "impersonation": ("impersonatedBy",),
}


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
    schema, name = installation.session.schema, installation.session.name
    candidates = installation.query(lambda c: other_sessions(c, schema, name))
    for candidate, settings in candidates.items():
        yield warning(
            f"{candidate} could hold the sessions, too", f"if the main site uses it, set {settings}"
        )


def plugins(installation: Installation) -> Iterator[Finding]:
    """Which columns of Better-Auth's plugins the app reads."""
    columns = {**installation.user.columns, **installation.session.columns}
    found = {
        plugin: ", ".join(columns[field] for field in fields if field in columns)
        for plugin, fields in _PLUGINS.items()
    }
    yield ok("; ".join(f"{plugin}: {names or 'none'}" for plugin, names in found.items()))
    names = installation.database_settings.tables
    for field, name in columns.items():
        if field in {**names.user_columns, **names.session_columns}:
            continue
        if name in OTHER_SPELLINGS.get(field, ()):
            variable = f"BETTER_AUTH_{'SESSION' if field in SESSION_FIELDS else 'USER'}_FIELDS"
            yield warning(
                f"column {name} is read as {field}",
                f"set {variable}={field}={name} if it is, {variable}={field}= if it isn't",
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
    if installation.query(lambda c: foreign_table(c, installation.questionnaire)):
        raise Missing(f"the table {TABLE} isn't this app's")
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
    schema = connection.scalar(text("SELECT current_schema()"))
    if schema is None:
        return None
    versions = table(VERSION_TABLE, column("version_num"), schema=schema)
    name = quoted(schema, VERSION_TABLE)
    may_read = privilege(connection, func.has_table_privilege, name, "SELECT")
    if not may_read:
        return [] if may_read is None else None
    return list(connection.scalars(select(versions.c.version_num)))


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
