"""The table `user_profile`, made from the questions, and the profile that a row of it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    MetaData,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.types import UserDefinedType

from onboarding.questions import Answers, Question, Questionnaire

TABLE = "user_profile"

# The constraint name of the error by which the trigger refuses to change a completed profile.
FINAL = "user_profile_is_final"

# The database's clock in UTC, whatever the time zone of server and connection.
UTC_NOW = func.timezone("utc", func.now())

_NAMING_CONVENTION = {
    "pk": "%(table_name)s_pkey",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
}


class UserId(UserDefinedType[str]):
    """A user's id: str here, and whatever type the main site's `user.id` has in the database.

    It is sent without a type, so that PostgreSQL reads it as the type of the column beside it.
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TEXT"

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[object], str | None]:
        return lambda value: None if value is None else str(value)


@dataclass(frozen=True)
class Profile:
    """What is stored about a user: a draft, or final answers. Times are naive UTC."""

    answers: Answers
    is_onboarded: bool
    created_at: datetime
    updated_at: datetime


def profile_table(questionnaire: Questionnaire) -> Table:
    """Return the table in a MetaData of its own: a row for each user, final once `is_onboarded`.

    The foreign key to the main site's user table is left to the migrations: its name and schema are
    the main site's.
    """
    answers = {question: Column(question.name, Text, nullable=False) for question in questionnaire}
    return Table(
        TABLE,
        MetaData(naming_convention=_NAMING_CONVENTION),
        Column("user_id", UserId, primary_key=True),
        *answers.values(),
        Column("is_onboarded", Boolean, nullable=False, server_default=text("false")),
        Column("created_at", DateTime, nullable=False, server_default=UTC_NOW),
        Column("updated_at", DateTime, nullable=False, server_default=UTC_NOW),
        *(
            CheckConstraint(column.in_(question.values), name=question.name)
            for question, column in answers.items()
        ),
    )


def check_name(question: Question) -> str:
    """Return the name of the CHECK that admits the question's values."""
    return f"ck_{TABLE}_{question.name}"
