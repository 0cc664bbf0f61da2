"""What stands in a place, before and after a migration."""

import subprocess

import psycopg
import pytest

from onboarding.betterauth.schema import TableNames, discover
from onboarding.identity import Standing
from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency
from onboarding.profiles.rules import AlreadyOnboarded, complete
from onboarding.profiles.schema import misfits
from onboarding.sources.tables import SharedTables
from tests.betterauth.layouts import Layout
from tests.places import Place, alembic, opened

VERSION_TABLE = "onboarding_alembic_version"

PEOPLE = """
    INSERT INTO "user" (id, name, email) VALUES
        ('ada', 'Ada', 'ada@example.test'), ('bob', 'Bob', 'bob@example.test'),
        ('cyd', 'Cyd', 'cyd@example.test');
"""

ONE = Answers(PythonProficiency.ADVANCED, DeveloperRole.BACKEND)
OTHER = Answers(PythonProficiency.BEGINNER, DeveloperRole.NONE)


def catalog(place: Place) -> list[tuple]:
    """Give all that stands in a place's schema: columns, constraints, indexes, triggers, functions."""
    return place.sql("""
        WITH ours AS (
            SELECT oid, relname, relkind FROM pg_class
            WHERE relkind <> 'i' AND relnamespace = to_regnamespace(quote_ident(current_schema))
        )
        SELECT relname::text, 'relation', relkind::text, '' FROM ours
        UNION ALL
        SELECT relname, 'column ' || attnum || ' ' || attname, format_type(atttypid, atttypmod),
               attnotnull || ' ' || coalesce(pg_get_expr(adbin, adrelid), '')
        FROM ours JOIN pg_attribute ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        UNION ALL
        SELECT relname, 'constraint ' || conname, pg_get_constraintdef(pg_constraint.oid), ''
        FROM ours JOIN pg_constraint ON conrelid = ours.oid
        UNION ALL
        SELECT relname, 'index', pg_get_indexdef(indexrelid), ''
        FROM ours JOIN pg_index ON indrelid = ours.oid
        UNION ALL
        SELECT relname, 'trigger ' || tgname, pg_get_triggerdef(pg_trigger.oid), tgenabled::text
        FROM ours JOIN pg_trigger ON tgrelid = ours.oid AND NOT tgisinternal
        UNION ALL
        SELECT proname::text, 'function', pg_get_functiondef(oid), ''
        FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(current_schema))
        ORDER BY 1, 2, 3
    """)


def theirs(place: Place) -> list[tuple]:
    """Give all that stands in a place's schema but is not ours."""
    ours = {"user_profile", "user_profile_is_final", VERSION_TABLE}
    return [row for row in catalog(place) if row[0] not in ours]


def tables(place: Place) -> set[str]:
    return {row[0] for row in catalog(place) if row[1] == "relation" and row[2] in "rv"}


def found_misfits(place: Place, names: TableNames | None = None) -> list[str]:
    return place.run(
        lambda connection: misfits(
            connection, discover(connection, names or TableNames()).user.types["id"]
        )
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """Give the one line that a refused command said."""
    assert done.returncode != 0, done.stdout
    [line] = (done.stdout + done.stderr).strip().splitlines()
    return line


def run(place: Place, *command: str, **environ: str) -> None:
    done = alembic(place.url(), *command, **environ)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_works(place: Place, layout: Layout, names: TableNames, **environ: str) -> None:
    """See that the comparison is clean, that nothing is missed, and that somebody can be served."""
    done = alembic(place.url(), "check", **environ)
    assert (done.returncode, done.stdout.strip()) == (0, "No new upgrade operations detected.")
    assert found_misfits(place, names) == []
    home = Place(place.places, names.schema or place.schema)
    user_id, token = layout.sign_in(home)
    with opened(place.engine_url()) as database:
        identities = SharedTables(database, names)
        assert identities.check() == []
        assert identities.of(token).standing is Standing.NOT_ONBOARDED
        complete(database, user_id, ONE)
        assert identities.of(token).standing is Standing.ONBOARDED
        with pytest.raises(AlreadyOnboarded):
            complete(database, user_id, OTHER)
        with pytest.raises(psycopg.errors.RestrictViolation):
            place.sql("UPDATE user_profile SET is_onboarded = false")
        home.sql(layout.delete_everybody())
        assert place.sql("SELECT count(*) FROM user_profile") == [(0,)]
