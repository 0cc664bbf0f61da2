"""Our own table."""

from collections.abc import Iterator
from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from onboarding.doctor.findings import Finding, fault, ok, skipped
from onboarding.doctor.installation import Installation
from onboarding.profiles.schema import TABLE, table_misfits

_MIGRATIONS = Path(__file__).parents[2] / "migrations"
VERSIONS = "onboarding_alembic_version"

_VERSIONS_RIGHT = text("""
    SELECT current_schema(), has_table_privilege(to_regclass(:table), 'SELECT')
""")


def upholds_rules(installation: Installation) -> Iterator[Finding]:
    """Columns, CHECKs, keys and trigger of user_profile are those of the migrations."""
    user_id_type = installation.user.types["id"]
    misfits = installation.ask(lambda connection: table_misfits(connection, user_id_type))
    for misfit in misfits:
        yield fault(misfit.fault, misfit.mend)
    if not misfits:
        yield ok(f"columns, CHECKs, keys and trigger of {TABLE} are as they should be")


def is_migrated(installation: Installation) -> Iterator[Finding]:
    """The migrations that came with this code have all run."""
    # Without it this isn't the main site's database, and no migration can run.
    _ = installation.user
    head = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    found = installation.ask(_versions)
    if found is None:
        yield skipped(f"this role may not read {VERSIONS}")
    elif found == [head]:
        yield ok(f"the database is at {head}, the newest migration")
    else:
        yield fault(
            f"the database is at {', '.join(found) or 'no migration'}, the newest is {head}",
            "run alembic upgrade head",
        )


def _versions(connection: Connection) -> list[str] | None:
    schema, may_read = connection.execute(_VERSIONS_RIGHT, {"table": VERSIONS}).one()
    if schema is None or may_read is False:
        return None
    if may_read is None:
        return []
    # ast-grep-ignore: sql-is-never-put-together
    return list(connection.scalars(text(f"SELECT version_num FROM {VERSIONS}")))  # noqa: S608
