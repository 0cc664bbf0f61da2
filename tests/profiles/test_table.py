"""The rules in SQL: the same as in Python, and upheld against whoever writes past the app."""

import re
from collections.abc import Callable
from enum import StrEnum
from itertools import product

import psycopg
import pytest

from onboarding.database import Database
from onboarding.profiles.model import FINAL, USER_PROFILE
from onboarding.profiles.questions import QUESTIONS, DeveloperRole, PythonProficiency
from onboarding.profiles.schema import misfits
from tests.places import Place

ENUMS = {question.field: question.answers for question in QUESTIONS}

# SQLSTATE of PostgreSQL, appendix A.
RESTRICT_VIOLATION, NOT_NULL_VIOLATION, UNIQUE_VIOLATION = "23001", "23502", "23505"
FOREIGN_KEY_VIOLATION, CHECK_VIOLATION = "23503", "23514"


def profile(place: Place, user_id: str, *, finished: bool) -> str:
    place.sql(
        "INSERT INTO user_profile (user_id, python_proficiency, developer_role, is_onboarded)"
        " VALUES (%s, 'Intermediate', 'Backend Developer', %s)",
        *(user_id, finished),
    )
    return user_id


def row(place: Place, user_id: str) -> list[tuple]:
    return place.sql("SELECT * FROM user_profile WHERE user_id = %s", user_id)


@pytest.mark.parametrize(("column", "enum"), ENUMS.items())
def test_the_database_lists_the_same_answers_as_python(
    place: Place, column: str, enum: type[StrEnum]
) -> None:
    [(definition,)] = place.sql(
        """
        SELECT pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'user_profile'::regclass AND contype = 'c' AND conname = %s
        """,
        f"ck_user_profile_{column}",
    )
    assert re.findall(r"'([^']*)'", definition) == [answer.value for answer in enum]
    assert definition.startswith(f"CHECK (({column} = ANY (ARRAY[")


def test_there_is_no_other_check(place: Place) -> None:
    names = place.sql(
        """
        SELECT CAST(conname AS text) FROM pg_constraint
        WHERE conrelid = 'user_profile'::regclass AND contype = 'c' ORDER BY conname
        """
    )
    assert [name for (name,) in names] == sorted(f"ck_user_profile_{column}" for column in ENUMS)


def test_the_columns_are_those_of_the_contract(place: Place) -> None:
    assert place.sql(
        """
        SELECT CAST(attname AS text), format_type(atttypid, atttypmod), attnotnull,
               pg_get_expr(adbin, adrelid)
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = 'user_profile'::regclass AND attnum > 0 ORDER BY attnum
        """
    ) == [
        ("user_id", "text", True, None),
        ("python_proficiency", "text", True, None),
        ("developer_role", "text", True, None),
        ("is_onboarded", "boolean", True, "false"),
        ("created_at", "timestamp without time zone", True, "timezone('utc'::text, now())"),
        ("updated_at", "timestamp without time zone", True, "timezone('utc'::text, now())"),
    ]
    assert [column.name for column in USER_PROFILE.columns] == [
        *("user_id", "python_proficiency", "developer_role"),
        *("is_onboarded", "created_at", "updated_at"),
    ]


def test_a_new_row_is_a_draft_of_this_moment_in_utc(
    place: Place, new_user: Callable[[], str]
) -> None:
    for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
        user_id = new_user()
        with psycopg.connect(place.url(timezone=zone), autocommit=True) as connection:
            [made] = connection.execute(
                "INSERT INTO user_profile (user_id, python_proficiency, developer_role)"
                " VALUES (%s, 'Beginner', 'None') RETURNING is_onboarded, created_at = updated_at,"
                " abs(extract(epoch FROM timezone('utc', now()) - created_at)) < 1",
                [user_id],
            ).fetchall()
        assert made == (False, True, True)


# What may not change in a completed profile, each by itself and all at once.
FINAL_CHANGES = {
    "the level": "python_proficiency = 'Advanced'",
    "the level, to nothing": "python_proficiency = NULL",
    "the role": "developer_role = 'None'",
    "the role, to nothing": "developer_role = NULL",
    "onboarded": "is_onboarded = false",
    "onboarded, to nothing": "is_onboarded = NULL",
    "the user": "user_id = %(other)s",
    "all of it": (
        "user_id = %(other)s, python_proficiency = 'Beginner', developer_role = 'None',"
        " is_onboarded = false"
    ),
    "an answer behind a new time": "updated_at = now(), developer_role = 'None'",
}

ALLOWED_CHANGES = {
    "nothing": "user_id = user_id",
    "the same values": "python_proficiency = 'Intermediate', developer_role = 'Backend Developer'",
    "onboarded again": "is_onboarded = true",
    "when it was last written": "updated_at = '2030-01-01'",
    "when it was made": "created_at = '2020-01-01'",
}


def change(place: Place, user_id: str, changes: str, other: str = "") -> None:
    with psycopg.connect(place.url(), autocommit=True) as connection:
        done = connection.execute(
            f"UPDATE user_profile SET {changes} WHERE user_id = %(user_id)s",  # noqa: S608
            {"user_id": user_id, "other": other},
        )
        assert done.rowcount == 1


@pytest.mark.parametrize("changes", FINAL_CHANGES.values(), ids=FINAL_CHANGES)
def test_a_completed_profile_refuses_every_change_by_name(
    place: Place, new_user: Callable[[], str], changes: str
) -> None:
    user_id = profile(place, new_user(), finished=True)
    before = row(place, user_id)
    with pytest.raises(psycopg.errors.RestrictViolation) as refusal:
        change(place, user_id, changes, new_user())
    assert refusal.value.sqlstate == RESTRICT_VIOLATION
    assert refusal.value.diag.constraint_name == FINAL == "user_profile_is_final"
    assert refusal.value.diag.table_name == "user_profile"
    assert row(place, user_id) == before


@pytest.mark.parametrize("changes", ALLOWED_CHANGES.values(), ids=ALLOWED_CHANGES)
def test_a_completed_profile_lets_what_is_no_answer_change(
    place: Place, new_user: Callable[[], str], changes: str
) -> None:
    user_id = profile(place, new_user(), finished=True)
    before = row(place, user_id)
    change(place, user_id, changes)
    assert row(place, user_id)[0][:4] == before[0][:4]


@pytest.mark.parametrize(
    "changes",
    [text for label, text in FINAL_CHANGES.items() if "nothing" not in label],
    ids=[label for label in FINAL_CHANGES if "nothing" not in label],
)
def test_a_draft_may_change_in_every_way(
    place: Place, new_user: Callable[[], str], changes: str
) -> None:
    user_id, other = profile(place, new_user(), finished=False), new_user()
    before = row(place, user_id)
    change(place, user_id, changes, other)
    after = row(place, user_id) + row(place, other)
    assert len(after) == 1
    assert after != before or changes == FINAL_CHANGES["onboarded"]


def test_a_draft_may_be_completed_and_is_final_from_then_on(
    place: Place, new_user: Callable[[], str]
) -> None:
    user_id = profile(place, new_user(), finished=False)
    change(place, user_id, "is_onboarded = true, developer_role = 'None'")
    with pytest.raises(psycopg.errors.RestrictViolation):
        change(place, user_id, "is_onboarded = false")


WAYS_TO_WRITE = {
    "an upsert": """
        INSERT INTO user_profile (user_id, python_proficiency, developer_role)
        VALUES (%s, 'Beginner', 'None')
        ON CONFLICT (user_id) DO UPDATE SET python_proficiency = excluded.python_proficiency
    """,
    "a merge": """
        MERGE INTO user_profile USING (SELECT %s AS id) AS new ON user_id = new.id
        WHEN MATCHED THEN UPDATE SET developer_role = 'None'
    """,
    "a joined update": """
        UPDATE user_profile SET developer_role = 'None' FROM "user" u
        WHERE u.id = user_profile.user_id AND u.id = %s
    """,
    "a query that writes": """
        WITH changed AS (
            UPDATE user_profile SET is_onboarded = false WHERE user_id = %s RETURNING user_id
        ) SELECT * FROM changed
    """,
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE.values(), ids=WAYS_TO_WRITE)
def test_there_is_no_way_around_finality(
    place: Place, new_user: Callable[[], str], way: str
) -> None:
    user_id = profile(place, new_user(), finished=True)
    with pytest.raises(psycopg.errors.RestrictViolation):
        place.sql(way, user_id)


def test_one_final_row_among_many_stops_the_whole_statement(
    place: Place, new_user: Callable[[], str]
) -> None:
    drafts = [profile(place, new_user(), finished=False) for _ in range(2)]
    final = profile(place, new_user(), finished=True)
    with pytest.raises(psycopg.errors.RestrictViolation):
        place.sql(
            "UPDATE user_profile SET developer_role = 'None' WHERE user_id = ANY (%s)",
            [*drafts, final],
        )
    assert {row(place, user_id)[0][2] for user_id in drafts} == {"Backend Developer"}


@pytest.mark.parametrize("finished", [False, True])
def test_a_user_can_always_be_deleted_and_takes_the_profile_along(
    place: Place, new_user: Callable[[], str], finished: bool
) -> None:
    user_id, neighbour = (profile(place, new_user(), finished=finished) for _ in range(2))
    place.sql('DELETE FROM "user" WHERE id = %s', user_id)
    assert row(place, user_id) == []
    assert len(row(place, neighbour)) == 1


@pytest.mark.parametrize("finished", [False, True])
def test_a_profile_can_be_deleted_by_its_owner(
    place: Place, new_user: Callable[[], str], finished: bool
) -> None:
    user_id = profile(place, new_user(), finished=finished)
    place.sql("DELETE FROM user_profile WHERE user_id = %s", user_id)
    assert row(place, user_id) == []


def insert(place: Place, **values: object) -> psycopg.errors.Diagnostic:
    """Insert a row that the database must refuse; gives what it says."""
    with (
        psycopg.connect(place.url(), autocommit=True) as connection,
        pytest.raises(psycopg.errors.IntegrityError) as refusal,
    ):
        connection.execute(
            "INSERT INTO user_profile"
            " (user_id, python_proficiency, developer_role, is_onboarded, created_at, updated_at)"
            " VALUES (%(user_id)s, %(python_proficiency)s, %(developer_role)s,"
            " %(is_onboarded)s, %(created_at)s, %(updated_at)s)",
            {
                "python_proficiency": "Beginner",
                "developer_role": "None",
                "is_onboarded": False,
                "created_at": "2026-11-23",
                "updated_at": "2026-11-23",
                **values,
            },
        )
    return refusal.value.diag


NEARLY = ["", " ", "beginner", "Beginner ", "none", "NULL", "Frontend", "Expert", "Ninja Developer"]


@pytest.mark.parametrize(("column", "text"), list(product(ENUMS, NEARLY)), ids=str)
def test_an_answer_outside_the_list_is_refused_by_name(
    place: Place, new_user: Callable[[], str], column: str, text: str
) -> None:
    said = insert(place, user_id=new_user(), **{column: text})
    assert (said.sqlstate, said.constraint_name) == (CHECK_VIOLATION, f"ck_user_profile_{column}")


def test_an_answer_to_the_other_question_is_refused(
    place: Place, new_user: Callable[[], str]
) -> None:
    for column, other in (
        ("python_proficiency", DeveloperRole.NONE),
        ("developer_role", PythonProficiency.BEGINNER),
    ):
        said = insert(place, user_id=new_user(), **{column: other.value})
        assert said.constraint_name == f"ck_user_profile_{column}"


@pytest.mark.parametrize("column", [column.name for column in USER_PROFILE.columns])
def test_no_column_may_be_empty(place: Place, new_user: Callable[[], str], column: str) -> None:
    said = insert(place, **{"user_id": new_user(), column: None})
    assert (said.sqlstate, said.column_name) == (NOT_NULL_VIOLATION, column)


def test_a_second_row_of_one_user_is_refused(place: Place, new_user: Callable[[], str]) -> None:
    user_id = profile(place, new_user(), finished=False)
    said = insert(place, user_id=user_id)
    assert (said.sqlstate, said.constraint_name) == (UNIQUE_VIOLATION, "user_profile_pkey")


def test_a_row_of_no_user_is_refused(place: Place) -> None:
    assert insert(place, user_id="nobody-at-all").sqlstate == FOREIGN_KEY_VIOLATION


# Something taken from the table that the rules need, and what is said of it.
DAMAGES = {
    "the table": ("DROP TABLE user_profile", "table user_profile is missing"),
    "an answer": (
        "ALTER TABLE user_profile DROP developer_role CASCADE",
        "column user_profile.developer_role is missing",
    ),
    "a time": (
        "ALTER TABLE user_profile DROP updated_at",
        "column user_profile.updated_at is missing",
    ),
    "a type": (
        "ALTER TABLE user_profile ALTER created_at TYPE timestamptz",
        "column user_profile.created_at is of type timestamp with time zone",
    ),
    "the type of the id": (
        """
        DROP TRIGGER user_profile_is_final ON user_profile;
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        ALTER TABLE user_profile ALTER user_id TYPE uuid USING CAST(user_id AS uuid)
        """,
        "column user_profile.user_id is of type uuid, not text",
    ),
    "a NOT NULL": (
        "ALTER TABLE user_profile ALTER is_onboarded DROP NOT NULL",
        "column user_profile.is_onboarded may be NULL",
    ),
    "a check": (
        "ALTER TABLE user_profile DROP CONSTRAINT ck_user_profile_developer_role",
        "constraint ck_user_profile_developer_role is missing",
    ),
    "the primary key": (
        "ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey",
        "table user_profile has no primary key",
    ),
    "the primary key's column": (
        """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_pkey;
        ALTER TABLE user_profile ADD PRIMARY KEY (created_at)
        """,
        "table user_profile has no primary key on user_id",
    ),
    "a column that no save gives": (
        """
        ALTER TABLE user_profile ADD COLUMN team text NOT NULL DEFAULT '';
        ALTER TABLE user_profile ALTER COLUMN team DROP DEFAULT
        """,
        "column user_profile.team is NOT NULL without a default",
    ),
    "a check's values": (
        """
        ALTER TABLE user_profile DROP CONSTRAINT ck_user_profile_developer_role;
        ALTER TABLE user_profile ADD CONSTRAINT ck_user_profile_developer_role CHECK (true)
        """,
        "constraint ck_user_profile_developer_role is missing or another",
    ),
    "a second key without cascade": (
        'ALTER TABLE user_profile ADD FOREIGN KEY (user_id) REFERENCES "user" (id)',
        "table user_profile doesn't go along when a user is deleted",
    ),
    "the trigger's moment": (
        """
        DROP TRIGGER user_profile_is_final ON user_profile;
        CREATE TRIGGER user_profile_is_final AFTER INSERT ON user_profile FOR EACH ROW
        WHEN (false) EXECUTE FUNCTION user_profile_is_final()
        """,
        "trigger user_profile_is_final is missing, disabled or another",
    ),
    "the foreign key": (
        "ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey",
        "table user_profile doesn't go along when a user is deleted",
    ),
    "the cascade": (
        """
        ALTER TABLE user_profile DROP CONSTRAINT user_profile_user_id_fkey;
        ALTER TABLE user_profile ADD FOREIGN KEY (user_id) REFERENCES "user" (id)
        """,
        "table user_profile doesn't go along when a user is deleted",
    ),
    "the trigger": (
        "DROP TRIGGER user_profile_is_final ON user_profile",
        "trigger user_profile_is_final is missing, disabled or another",
    ),
    "the trigger's effect": (
        "ALTER TABLE user_profile DISABLE TRIGGER user_profile_is_final",
        "trigger user_profile_is_final is missing, disabled or another",
    ),
    "the trigger's effect here": (
        "ALTER TABLE user_profile ENABLE REPLICA TRIGGER user_profile_is_final",
        "trigger user_profile_is_final is missing, disabled or another",
    ),
}


@pytest.mark.parametrize(("damage", "fault"), DAMAGES.values(), ids=DAMAGES)
def test_what_the_rules_need_is_missed_by_name(database: Database, damage: str, fault: str) -> None:
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with transactions.connect() as connection:
        assert misfits(connection, "text") == []
        for statement in damage.split(";"):
            connection.exec_driver_sql(statement)
        found = misfits(connection, "text")
        connection.rollback()
    assert [line for line in found if line.startswith(fault)], found
    assert all("\n" not in line for line in found)


def test_a_role_that_may_not_save_is_missed(place: Place, database: Database) -> None:
    place.sql("CREATE ROLE profile_reader; GRANT USAGE ON SCHEMA migrated TO profile_reader")
    place.sql("GRANT SELECT, INSERT ON user_profile TO profile_reader")
    transactions = database.engine.execution_options(isolation_level="READ COMMITTED")
    with transactions.connect() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE profile_reader")
        [fault] = misfits(connection, "text")
        connection.rollback()
    assert fault.startswith("this role may not SELECT, INSERT and UPDATE user_profile")


@pytest.mark.parametrize("user_id_type", ["text", "character varying"])
def test_text_refers_to_any_textual_id(database: Database, user_id_type: str) -> None:
    assert database.run(lambda connection: misfits(connection, user_id_type)) == []


@pytest.mark.parametrize("user_id_type", ["uuid", "integer", "bigint"])
def test_text_does_not_refer_to_an_id_of_another_type(
    database: Database, user_id_type: str
) -> None:
    [fault] = database.run(lambda connection: misfits(connection, user_id_type))
    assert fault == f"column user_profile.user_id is of type text, not {user_id_type}"
