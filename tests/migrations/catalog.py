"""The catalog of a schema, before and after a migration."""

import subprocess

import psycopg
import pytest
from sqlalchemy import Connection

from onboarding.betterauth.schema import TableNames, find_user_table
from onboarding.identity import Standing, TableIdentities
from onboarding.profiles import AlreadyOnboarded, ProfileStore
from onboarding.profiles.schema import Problem, problems
from tests.betterauth.layouts import Layout
from tests.questionnaires import DEFAULT, other_answers, some_answers
from tests.schemas import Schema, alembic, open_database

VERSION_TABLE = "onboarding_alembic_version"

USERS = """
    INSERT INTO "user" (id, name, email) VALUES
        ('ada', 'Ada', 'ada@example.test'), ('bob', 'Bob', 'bob@example.test'),
        ('cyd', 'Cyd', 'cyd@example.test');
"""


def catalog(schema: Schema) -> list[tuple]:
    """Return everything in a schema: columns, constraints, indexes, triggers, functions."""
    return schema.sql("""
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


def catalog_without_ours(schema: Schema) -> list[tuple]:
    """Return everything in a schema except what our migrations make."""
    made = {"user_profile", "user_profile_is_final", VERSION_TABLE}
    return [row for row in catalog(schema) if row[0] not in made]


def tables(schema: Schema) -> set[str]:
    return {row[0] for row in catalog(schema) if row[1] == "relation" and row[2] in "rv"}


def schema_problems(schema: Schema, names: TableNames | None = None) -> list[Problem]:
    def work(connection: Connection) -> list[Problem]:
        user = find_user_table(connection, names or TableNames())
        return problems(connection, DEFAULT, user.types["id"])

    return schema.run(work)


def error_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a refused command printed."""
    assert done.returncode != 0, done.stdout
    [line] = (done.stdout + done.stderr).strip().splitlines()
    return line


def run(schema: Schema, *command: str, **environ: str) -> None:
    done = alembic(schema.url(), *command, **environ)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_works(schema: Schema, layout: Layout, names: TableNames, **environ: str) -> None:
    """Assert that `alembic check` is clean and that a user can be served."""
    done = alembic(schema.url(), "check", **environ)
    assert (done.returncode, done.stdout.strip()) == (0, "No new upgrade operations detected.")
    assert schema_problems(schema, names) == []
    main_site = Schema(schema.database, names.schema or schema.name)
    user_id, token = layout.sign_in(main_site)
    with open_database(schema.engine_url()) as database:
        store = ProfileStore(database, DEFAULT)
        identities = TableIdentities(database, names, store)
        assert identities.problems() == []
        assert identities.identify(token).standing is Standing.NOT_ONBOARDED
        store.complete(user_id, some_answers())
        assert identities.identify(token).standing is Standing.ONBOARDED
        with pytest.raises(AlreadyOnboarded):
            store.complete(user_id, other_answers())
        with pytest.raises(psycopg.errors.RestrictViolation):
            schema.sql("UPDATE user_profile SET is_onboarded = false")
        main_site.sql(layout.delete_users())
        assert schema.sql("SELECT count(*) FROM user_profile") == [(0,)]
