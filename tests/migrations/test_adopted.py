"""A table that exists already is adopted where it fits, else refused with nothing changed."""

# ruff: noqa: S608 - statements are made of constants of ours

import psycopg
import pytest

from onboarding.betterauth.schema import TableNames
from tests.betterauth.layouts import CAMEL
from tests.migrations.catalog import (
    USERS,
    VERSION_TABLE,
    assert_works,
    catalog,
    catalog_without_ours,
    error_line,
    run,
    tables,
)
from tests.schemas import Schema, alembic

pytestmark = pytest.mark.slow

# The table as the project's first data model had it.
FIRST_TABLE = """
    CREATE TABLE user_profile (
        user_id TEXT PRIMARY KEY REFERENCES "user" (id),
        python_proficiency TEXT NOT NULL,
        developer_role TEXT NOT NULL,
        is_onboarded BOOLEAN DEFAULT FALSE,
        created_at TIMESTAMP DEFAULT NOW(),
        updated_at TIMESTAMP DEFAULT NOW()
    );
"""
ROWS = """
    INSERT INTO user_profile VALUES
        ('ada', 'Advanced', 'None', true, '2025-01-02 03:04:05', '2025-02-03 04:05:06'),
        ('bob', 'Beginner', 'Full Stack Developer', NULL, NULL, NULL),
        ('cyd', 'Intermediate', 'Backend Developer', false, '2025-03-04 05:06:07', NULL);
"""


ADOPTED = {
    "as the first data model had it": "",
    "with keys, indexes and columns of the owner's own": """
        ALTER TABLE user_profile ADD COLUMN note text UNIQUE, ADD COLUMN n int NOT NULL DEFAULT 7,
            ADD CONSTRAINT ck_user_profile_developer_role
                CHECK (developer_role <> 'Frontend Developer'),
            ADD CHECK (updated_at > '2000-01-01'),
            ADD CONSTRAINT levels CHECK (python_proficiency IN
                ('Beginner', 'Intermediate', 'Advanced', 'Wizard: 100%'));
        CREATE INDEX ON user_profile (is_onboarded);
        CREATE INDEX ON user_profile (developer_role, created_at);
    """,
    "with two keys, one of which would keep the user from being deleted": """
        ALTER TABLE user_profile ADD CONSTRAINT second FOREIGN KEY (user_id)
            REFERENCES "user" (id) ON DELETE CASCADE;
    """,
    "with a key that was never validated": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD CONSTRAINT unsure FOREIGN KEY (user_id)
            REFERENCES "user" (id) ON DELETE CASCADE NOT VALID;
    """,
    "with a deferred key": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD FOREIGN KEY (user_id) REFERENCES "user" (id) DEFERRABLE INITIALLY DEFERRED;
    """,
    "without any key": """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            DROP CONSTRAINT user_profile_pkey;
    """,
    "with varchar for the id": "ALTER TABLE user_profile ALTER user_id TYPE character varying",
}


def rows_of(schema: Schema) -> list[tuple]:
    return schema.sql("""
        SELECT user_id, python_proficiency, developer_role, is_onboarded, created_at, updated_at
        FROM user_profile ORDER BY user_id
    """)


@pytest.mark.parametrize("label", ADOPTED)
def test_an_existing_table_is_adopted_with_its_rows(scratch_database, label):
    schema = scratch_database.create_schema(
        f"adopted_{list(ADOPTED).index(label)}",
        CAMEL.ddl() + FIRST_TABLE + USERS + ROWS + ADOPTED[label],
    )
    before, old_rows = catalog_without_ours(schema), rows_of(schema)
    own = {row for row in catalog(schema) if row[0] == "user_profile" and row[1] == "index"}
    run(schema, "upgrade", "head")
    assert catalog_without_ours(schema) == before
    for old, new in zip(old_rows, rows_of(schema), strict=True):
        assert new[:3] == old[:3]
        assert new[3] is (old[3] is True)
        assert all(then in (None, now) for then, now in zip(old[4:], new[4:], strict=True))
        assert None not in new
    assert own <= set(catalog(schema))
    with pytest.raises(psycopg.errors.RestrictViolation):
        schema.sql("UPDATE user_profile SET python_proficiency = 'Beginner' WHERE user_id = 'ada'")
    schema.sql("UPDATE user_profile SET developer_role = 'None' WHERE user_id = 'bob'")
    assert_works(schema, CAMEL, TableNames())


def test_a_bare_table_is_adopted_with_the_columns_it_lacks(scratch_database):
    schema = scratch_database.create_schema(
        "adopted_bare",
        CAMEL.ddl()
        + USERS
        + """
        CREATE TABLE user_profile (developer_role text, python_proficiency text, user_id text);
        INSERT INTO user_profile VALUES ('None', 'Beginner', 'ada');
        """,
    )
    run(schema, "upgrade", "head")
    assert schema.sql(
        "SELECT user_id, python_proficiency, developer_role, is_onboarded,"
        " abs(extract(epoch FROM timezone('utc', now()) - created_at)) < 60 FROM user_profile"
    ) == [("ada", "Beginner", "None", False, True)]
    assert_works(schema, CAMEL, TableNames())


# What exists already, and a part of the line that stops the migration.
MISFITS = {
    "no user table": ('DROP TABLE session; DROP TABLE "user"', "table user was not found"),
    "ids of another type": (
        f"""
        {FIRST_TABLE}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ALTER user_id TYPE uuid USING NULL
        """,
        "column user_id is of type uuid, not text",
    ),
    "no role": (
        f"{FIRST_TABLE} ALTER TABLE user_profile DROP developer_role",
        "no column developer_role",
    ),
    "a level as an enum": (
        f"""
        {FIRST_TABLE}
        CREATE TYPE level AS ENUM ('Beginner', 'Intermediate', 'Advanced');
        ALTER TABLE user_profile ALTER python_proficiency TYPE level USING 'Beginner'
        """,
        "column python_proficiency is of type level, not text",
    ),
    "a column that we cannot give": (
        f"{FIRST_TABLE} ALTER TABLE user_profile ADD shoe_size integer NOT NULL",
        "column shoe_size is NOT NULL without a default",
    ),
    "an answer outside the list": (
        f"{FIRST_TABLE} {USERS} {ROWS} UPDATE user_profile SET developer_role = 'Frontend'",
        "3 of its rows have a developer_role that is none of Frontend Developer, Backend",
    ),
    "a profile of nobody": (
        f"""
        {FIRST_TABLE}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        INSERT INTO user_profile VALUES ('nobody', 'Advanced', 'None')
        """,
        "1 of its rows belong to no user",
    ),
    "two profiles of one user": (
        f"""
        {FIRST_TABLE} {USERS} {ROWS}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey;
        INSERT INTO user_profile VALUES ('ada', 'Beginner', 'None')
        """,
        "2 of its rows are second rows of one user",
    ),
    "another primary key": (
        f"""
        {FIRST_TABLE}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey,
            ADD COLUMN id serial PRIMARY KEY
        """,
        "its primary key is id, not user_id",
    ),
    "a key to another table": (
        f"""
        {FIRST_TABLE}
        CREATE TABLE member (id text PRIMARY KEY);
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD CONSTRAINT to_member FOREIGN KEY (user_id) REFERENCES member ON DELETE CASCADE
        """,
        "its key to_member refers to another table than user",
    ),
    "a check that refuses one of our answers": (
        f"""
        {FIRST_TABLE}
        ALTER TABLE user_profile ADD CONSTRAINT roles
            CHECK (developer_role IN ('Frontend', 'Backend', 'Full Stack: 100%', 'None'))
        """,
        "constraint roles refuses some of Frontend Developer, Backend Developer",
    ),
    "a view": (
        """
        CREATE VIEW user_profile AS
        SELECT id AS user_id, name AS python_proficiency, name AS developer_role FROM "user"
        """,
        'cannot be performed on relation "user_profile"',
    ),
}


def catalog_and_rows(schema: Schema) -> list[tuple]:
    """Return a schema's catalog, and the rows of user_profile where there is one."""
    exists = "user_profile" in tables(schema)
    rows = schema.sql("SELECT CAST(p AS text) FROM user_profile p ORDER BY 1") if exists else []
    return catalog(schema) + rows


@pytest.mark.parametrize("label", MISFITS)
def test_a_misfit_stops_the_migration_with_one_clear_line_and_nothing_changes(
    scratch_database, label
):
    change, line = MISFITS[label]
    schema = scratch_database.create_schema(
        f"misfit_{list(MISFITS).index(label)}", f"{CAMEL.ddl()};{change}"
    )
    before = catalog_and_rows(schema)
    assert line in error_line(alembic(schema.url(), "upgrade", "head"))
    assert catalog_and_rows(schema) == before
    assert VERSION_TABLE not in tables(schema)
