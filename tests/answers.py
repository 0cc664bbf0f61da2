"""Answers to the packaged questions, whatever these are, and profiles made of them by SQL."""

from collections.abc import Callable, Mapping

from psycopg import sql

from onboarding.questions import Answers
from tests.questionnaires import DEFAULT, other_answers, some_answers

NAMES = DEFAULT.names
VALUES = {question.name: question.values for question in DEFAULT}
SLUGS = {question.name: question.slug for question in DEFAULT}

SOME = some_answers()
OTHER = other_answers()
"""Each differs from the one in `SOME`."""
FIRST, LAST = NAMES[0], NAMES[-1]

REVIEW = "/onboarding/review"

Execute = Callable[..., list[tuple]]
"""`sql` of an environment or a schema: a query and its values, the rows returned."""


def question_path(name: str = FIRST) -> str:
    """Return the address of a question's page."""
    return f"/onboarding/{SLUGS[name]}"


def answers_of(values: Mapping[str, str]) -> Answers:
    """Return complete answers as the app holds them."""
    return Answers(DEFAULT, values)


def insert_profile(
    execute: Execute,
    user_id: str,
    values: Mapping[str, str] = SOME,
    *,
    is_onboarded: bool = False,
) -> None:
    """Insert a row of `user_profile`."""
    row = {"user_id": user_id, **values, "is_onboarded": is_onboarded}
    statement = sql.SQL("INSERT INTO user_profile ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Literal, row.values())),
    )
    execute(statement)


def profile_row(execute: Execute, user_id: str) -> tuple[dict[str, str], bool] | None:
    """Return the answers and `is_onboarded` of a user's row, None without one."""
    columns = sql.SQL(", ").join(map(sql.Identifier, NAMES))
    rows = execute(
        sql.SQL(
            "SELECT is_onboarded, {} FROM user_profile WHERE CAST(user_id AS text) = {}"
        ).format(columns, sql.Literal(user_id))
    )
    return (dict(zip(NAMES, rows[0][1:], strict=True)), rows[0][0]) if rows else None
