"""A table that stands already: adopted where it fits, else refused with nothing changed."""

# ruff: noqa: S608 - statements are put together from constants of ours

import psycopg
import pytest

from onboarding.betterauth.schema import TableNames
from tests.betterauth.layouts import CAMEL
from tests.migrations.standing import (
    PEOPLE,
    VERSION_TABLE,
    assert_works,
    catalog,
    run,
    said,
    tables,
    theirs,
)
from tests.places import Place, Places, alembic

# The table as the project's first data model had it.
SEED = """
    CREATE TABLE user_profile (
        user_id TEXT PRIMARY KEY REFERENCES "user" (id),
        python_proficiency TEXT NOT NULL,
        developer_role TEXT NOT NULL,
        is_onboarded BOOLEAN DEFAULT FALSE,
        created_at TIMESTAMP DEFAULT NOW(),
        updated_at TIMESTAMP DEFAULT NOW()
    );
"""
PROFILES = """
    INSERT INTO user_profile VALUES
        ('ada', 'Advanced', 'None', true, '2025-01-02 03:04:05', '2025-02-03 04:05:06'),
        ('bob', 'Beginner', 'Full Stack Developer', NULL, NULL, NULL),
        ('cyd', 'Intermediate', 'Backend Developer', false, '2025-03-04 05:06:07', NULL);
"""


ADOPTED = {
    "as the first data model had it": "",
    "with keys, indexes and columns of the owner's own": """
        ALTER TABLE user_profile ADD COLUMN note text UNIQUE, ADD COLUMN n int NOT NULL DEFAULT 7,
            ADD CHECK (developer_role <> ''), ADD CHECK (updated_at > '2000-01-01'),
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
    "with a check of our name and other values": """
        ALTER TABLE user_profile ADD CONSTRAINT ck_user_profile_developer_role
            CHECK (developer_role <> 'Frontend Developer');
    """,
}


@pytest.mark.parametrize(("label", "change"), ADOPTED.items(), ids=ADOPTED)
def test_a_table_that_stands_already_is_adopted_with_its_rows_and_all_that_is_missing(
    places: Places, label: str, change: str
) -> None:
    place = places.settle(
        f"adopted_{list(ADOPTED).index(label)}", CAMEL.ddl() + SEED + PEOPLE + PROFILES + change
    )
    before, kept = theirs(place), place.sql("SELECT * FROM user_profile ORDER BY user_id")
    own = {row for row in catalog(place) if row[0] == "user_profile" and row[1] == "index"}
    run(place, "upgrade", "head")
    assert theirs(place) == before
    rows = place.sql("SELECT * FROM user_profile ORDER BY user_id")
    for old, new in zip(kept, rows, strict=True):
        assert new[:3] == old[:3]
        assert new[3] is (old[3] is True)
        assert all(then in (None, now) for then, now in zip(old[4:], new[4:], strict=True))
        assert None not in new[:6]
    assert own <= set(catalog(place))
    with pytest.raises(psycopg.errors.RestrictViolation):
        place.sql("UPDATE user_profile SET python_proficiency = 'Beginner' WHERE user_id = 'ada'")
    place.sql("UPDATE user_profile SET developer_role = 'None' WHERE user_id = 'bob'")
    assert_works(place, CAMEL, TableNames())


def test_a_bare_table_is_adopted_with_the_columns_it_lacks(places: Places) -> None:
    place = places.settle(
        "adopted_bare",
        CAMEL.ddl()
        + PEOPLE
        + """
        CREATE TABLE user_profile (developer_role text, python_proficiency text, user_id text);
        INSERT INTO user_profile VALUES ('None', 'Beginner', 'ada');
        """,
    )
    run(place, "upgrade", "head")
    assert place.sql(
        "SELECT user_id, python_proficiency, developer_role, is_onboarded,"
        " abs(extract(epoch FROM timezone('utc', now()) - created_at)) < 60 FROM user_profile"
    ) == [("ada", "Beginner", "None", False, True)]
    assert_works(place, CAMEL, TableNames())


# What stands there already, and a word of the line that stops the migration.
MISFITS = {
    "no user table": ('DROP TABLE session; DROP TABLE "user"', "table user was not found"),
    "a user without e-mail": ('ALTER TABLE "user" DROP email', "table user has no column email"),
    "ids of an unreadable type": (
        """
        ALTER TABLE session DROP "userId";
        ALTER TABLE "user" ALTER id DROP DEFAULT, ALTER id TYPE numeric USING 0
        """,
        "column user.id is of type numeric",
    ),
    "ids of another type": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ALTER user_id TYPE uuid USING NULL
        """,
        "column user_id is of type uuid, not text",
    ),
    "no role": (f"{SEED} ALTER TABLE user_profile DROP developer_role", "no column developer_role"),
    "no user id": (f"{SEED} ALTER TABLE user_profile RENAME user_id TO id", "no column user_id"),
    "a level as a number": (
        f"{SEED} ALTER TABLE user_profile ALTER python_proficiency TYPE integer USING 0",
        "column python_proficiency is of type integer, not text",
    ),
    "a level as an enum": (
        f"""
        {SEED}
        CREATE TYPE level AS ENUM ('Beginner', 'Intermediate', 'Advanced');
        ALTER TABLE user_profile ALTER python_proficiency TYPE level USING 'Beginner'
        """,
        "column python_proficiency is of type level, not text",
    ),
    "onboarded as a text": (
        f"""
        {SEED}
        ALTER TABLE user_profile ALTER is_onboarded DROP DEFAULT, ALTER is_onboarded TYPE text
        """,
        "column is_onboarded is of type text, not boolean",
    ),
    "a time with a zone": (
        f"{SEED} ALTER TABLE user_profile ALTER created_at TYPE timestamptz",
        "column created_at is of type timestamp with time zone, not timestamp without time zone",
    ),
    "a column that we cannot give": (
        f"{SEED} ALTER TABLE user_profile ADD shoe_size integer NOT NULL",
        "column shoe_size is NOT NULL without a default",
    ),
    "an answer outside the list": (
        f"{SEED} {PEOPLE} {PROFILES} UPDATE user_profile SET developer_role = 'Frontend'",
        "3 of its rows have a developer_role that is none of Frontend Developer, Backend",
    ),
    "a missing answer": (
        f"""
        {SEED} {PEOPLE} {PROFILES}
        ALTER TABLE user_profile ALTER python_proficiency DROP NOT NULL;
        UPDATE user_profile SET python_proficiency = NULL WHERE user_id = 'bob'
        """,
        "1 of its rows have a python_proficiency that is none of Beginner, Intermediate, Advanced",
    ),
    "a profile of nobody": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        INSERT INTO user_profile VALUES ('nobody', 'Advanced', 'None')
        """,
        "1 of its rows belong to no user",
    ),
    "two profiles of one user": (
        f"""
        {SEED} {PEOPLE} {PROFILES}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey;
        INSERT INTO user_profile VALUES ('ada', 'Beginner', 'None')
        """,
        "2 of its rows are second rows of one user",
    ),
    "another primary key": (
        f"""
        {SEED}
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey,
            ADD COLUMN id serial PRIMARY KEY
        """,
        "its primary key is id, not user_id",
    ),
    "a key to another table": (
        f"""
        {SEED}
        CREATE TABLE member (id text PRIMARY KEY);
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey,
            ADD CONSTRAINT to_member FOREIGN KEY (user_id) REFERENCES member ON DELETE CASCADE
        """,
        "its key to_member refers to another table than user",
    ),
    "a check that refuses one of our answers": (
        f"""
        {SEED}
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


def standing(place: Place) -> list[tuple]:
    """Give a place's catalog, and the rows of user_profile where there is one."""
    stands = "user_profile" in tables(place)
    rows = place.sql("SELECT CAST(p AS text) FROM user_profile p ORDER BY 1") if stands else []
    return catalog(place) + rows


@pytest.mark.parametrize(
    ("label", "bend", "line"), [(k, *v) for k, v in MISFITS.items()], ids=MISFITS
)
def test_a_misfit_stops_the_migration_with_one_clear_line_and_nothing_changes(
    places: Places, label: str, bend: str, line: str
) -> None:
    place = places.settle(f"misfit_{list(MISFITS).index(label)}", f"{CAMEL.ddl()};{bend}")
    before = standing(place)
    assert line in said(alembic(place.url(), "upgrade", "head"))
    assert standing(place) == before
    assert VERSION_TABLE not in tables(place)
