"""The rules in SQL: the same as in Python, and upheld against whoever writes past the app."""

# ruff: noqa: S608 - statements are made of constants of ours

import psycopg
import pytest

from tests.profiles.conftest import default_only
from tests.questionnaires import (
    DEFAULT,
    insert_profile,
    other_answers,
    profile_row,
    some_answers,
)
from tests.schemas import Schema

pytestmark = default_only

SOME, OTHER = some_answers(), other_answers()
NAMES = DEFAULT.names
FIRST, LAST = NAMES[0], NAMES[-1]


def test_the_columns_are_those_of_the_contract(schema):
    columns = schema.sql("""
        SELECT CAST(attname AS text), format_type(atttypid, atttypmod)
        FROM pg_attribute
        WHERE attrelid = 'user_profile'::regclass AND attnum > 0 AND NOT attisdropped
    """)
    assert dict(columns) == {
        "user_id": "text",
        "is_onboarded": "boolean",
        "created_at": "timestamp without time zone",
        "updated_at": "timestamp without time zone",
        **dict.fromkeys(NAMES, "text"),
    }


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_a_new_row_is_a_draft_of_this_moment_in_utc(schema, new_user, zone):
    user_id = new_user()
    with psycopg.connect(schema.url(timezone=zone), autocommit=True) as connection:
        insert_profile(connection, user_id, SOME)
    assert schema.sql(
        "SELECT is_onboarded, created_at = updated_at,"
        " abs(extract(epoch FROM timezone('utc', now()) - created_at)) < 60"
        " FROM user_profile WHERE user_id = %s",
        user_id,
    ) == [(False, True, True)]


# What may not change in a completed profile, each by itself and all at once.
FINAL_CHANGES = {
    **{f"the answer {name}": f"{name} = '{OTHER[name]}'" for name in NAMES},
    **{f"the answer {name}, to NULL": f"{name} = NULL" for name in NAMES},
    "is_onboarded": "is_onboarded = false",
    "is_onboarded, to NULL": "is_onboarded = NULL",
    "the user": "user_id = %(other)s",
    "all of it": f"user_id = %(other)s, {FIRST} = '{OTHER[FIRST]}', is_onboarded = false",
    "an answer beside a new time": f"updated_at = now(), {LAST} = '{OTHER[LAST]}'",
}
ALLOWED_CHANGES = {
    "nothing": "user_id = user_id",
    "the same values": f"{FIRST} = '{SOME[FIRST]}', {LAST} = '{SOME[LAST]}'",
    "onboarded again": "is_onboarded = true",
    "updated_at": "updated_at = '2030-01-01'",
    "created_at": "created_at = '2020-01-01'",
}


def change(schema: Schema, user_id: str, changes: str, other: str = "") -> None:
    updated = schema.owner.execute(
        f"UPDATE user_profile SET {changes} WHERE user_id = %(user_id)s",
        {"user_id": user_id, "other": other},
    )
    assert updated.rowcount == 1


def with_profile(schema: Schema, user_id: str, *, is_onboarded: bool) -> str:
    insert_profile(schema.owner, user_id, SOME, is_onboarded=is_onboarded)
    return user_id


@pytest.mark.parametrize("changes", FINAL_CHANGES.values(), ids=FINAL_CHANGES)
def test_a_completed_profile_refuses_every_change_by_name(schema, new_user, changes):
    user_id = with_profile(schema, new_user(), is_onboarded=True)
    with pytest.raises(psycopg.errors.RestrictViolation) as refusal:
        change(schema, user_id, changes, new_user())
    # As the contract says: SQLSTATE 23001.
    assert refusal.value.sqlstate == "23001"
    assert refusal.value.diag.constraint_name == "user_profile_is_final"
    assert refusal.value.diag.table_name == "user_profile"
    assert profile_row(schema.owner, user_id) == (SOME, True)


@pytest.mark.parametrize("changes", ALLOWED_CHANGES.values(), ids=ALLOWED_CHANGES)
def test_a_completed_profile_lets_what_is_no_answer_change(schema, new_user, changes):
    user_id = with_profile(schema, new_user(), is_onboarded=True)
    change(schema, user_id, changes)
    assert profile_row(schema.owner, user_id) == (SOME, True)


def test_a_draft_may_change_and_be_completed_and_is_final_from_then_on(schema, new_user):
    for label, changes in FINAL_CHANGES.items():
        if "NULL" not in label:
            user_id = with_profile(schema, new_user(), is_onboarded=False)
            change(schema, user_id, changes, new_user())
    user_id = with_profile(schema, new_user(), is_onboarded=False)
    change(schema, user_id, f"is_onboarded = true, {LAST} = '{OTHER[LAST]}'")
    with pytest.raises(psycopg.errors.RestrictViolation):
        change(schema, user_id, "is_onboarded = false")


def test_one_final_row_among_many_stops_the_whole_statement(schema, new_user):
    drafts = [with_profile(schema, new_user(), is_onboarded=False) for _ in range(2)]
    final = with_profile(schema, new_user(), is_onboarded=True)
    with pytest.raises(psycopg.errors.RestrictViolation):
        schema.sql(
            f"UPDATE user_profile SET {LAST} = '{OTHER[LAST]}' WHERE user_id = ANY (%s)",
            [*drafts, final],
        )
    assert [profile_row(schema.owner, user_id) for user_id in drafts] == [(SOME, False)] * 2


def refusal_of(schema: Schema, **values: object) -> psycopg.errors.Diagnostic:
    """Insert a row that the database must refuse; return its diagnostic."""
    row = {**SOME, "is_onboarded": False, "created_at": "now", "updated_at": "now", **values}
    marks = ", ".join(f"%({name})s" for name in row)
    with pytest.raises(psycopg.errors.IntegrityError) as refusal:
        schema.owner.execute(f"INSERT INTO user_profile ({', '.join(row)}) VALUES ({marks})", row)
    return refusal.value.diag


@pytest.mark.parametrize("question", DEFAULT.questions, ids=lambda question: question.name)
def test_a_value_outside_the_list_is_refused_by_name(schema, new_user, question):
    near = {
        *("", " ", "NULL", "none", "Expert"),
        *(changed for value in question.values for changed in (value.upper(), f"{value} ")),
        *(value for other in DEFAULT if other is not question for value in other.values),
    }
    for value in near - set(question.values):
        refusal = refusal_of(schema, user_id=new_user(), **{question.name: value})
        assert refusal.sqlstate == "23514"  # check_violation
        assert refusal.constraint_name == f"ck_user_profile_{question.name}"


@pytest.mark.parametrize("column", ["user_id", *NAMES, "is_onboarded", "created_at", "updated_at"])
def test_no_column_may_be_null(schema, new_user, column):
    refusal = refusal_of(schema, **{"user_id": new_user(), column: None})
    assert (refusal.sqlstate, refusal.column_name) == ("23502", column)  # not_null_violation
