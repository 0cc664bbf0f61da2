"""The one table we own, `user_profile`, and the profile that a row of it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    MetaData,
    Named,
    Table,
    Text,
    TypedColumns,
    TypeDecorator,
    func,
    text,
)
from sqlalchemy.types import UserDefinedType

from onboarding.profiles.questions import Answers, DeveloperRole, PythonProficiency

# The name under which the database refuses to change a completed profile (SQLSTATE 23001).
FINAL = "user_profile_is_final"

# The database's clock in UTC, whatever the time zone of server and connection.
UTC_NOW = func.timezone("utc", func.now())


class UserId(UserDefinedType[str]):
    """A user's id: text here, and in the database whatever type the main site's `user.id` has.

    It is sent without a type, so that PostgreSQL reads it as the type of the column beside it.
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TEXT"

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else str(value)


class EnumText(TypeDecorator[StrEnum]):
    """An enum's value as TEXT. SQLAlchemy's own Enum would make VARCHAR(n) or a database type."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)


# Naming by one convention, so that each constraint can be told by its name.
METADATA = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)


def _one_of(column: str, enum: type[StrEnum]) -> CheckConstraint:
    values = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({values})", name=column)


class _Columns(TypedColumns):
    user_id: Named[str] = Column(UserId, primary_key=True)
    python_proficiency: Named[PythonProficiency] = Column(EnumText(PythonProficiency))
    developer_role: Named[DeveloperRole] = Column(EnumText(DeveloperRole))
    is_onboarded: Named[bool] = Column(server_default=text("false"))
    created_at: Named[datetime] = Column(server_default=UTC_NOW)
    updated_at: Named[datetime] = Column(server_default=UTC_NOW)


# One person's answers a row; at most one a user, final once `is_onboarded` is TRUE. A table and no
# mapped class: every use of it is one statement, and SQLAlchemy's ORM would cost 28 ms of each start and
# 6 MiB.
# The foreign key to the main site's user table isn't declared here: its name and schema are the main
# site's to choose, and only the migration needs them.
USER_PROFILE = Table(
    "user_profile",
    METADATA,
    _Columns,
    _one_of("python_proficiency", PythonProficiency),
    _one_of("developer_role", DeveloperRole),
)

# What is read of a row to make a Profile, in the order of Profile's fields.
PROFILE_COLUMNS = (
    USER_PROFILE.c.python_proficiency,
    USER_PROFILE.c.developer_role,
    USER_PROFILE.c.is_onboarded,
    USER_PROFILE.c.created_at,
    USER_PROFILE.c.updated_at,
)


@dataclass(frozen=True)
class Profile:
    """What is stored about a person: a draft, or final answers. Times are naive UTC."""

    answers: Answers
    is_onboarded: bool
    created_at: datetime
    updated_at: datetime


def profile_of(row: Sequence[Any]) -> Profile | None:
    """Read the `PROFILE_COLUMNS` of a row; None where an outer join found no profile."""
    python_proficiency, developer_role, is_onboarded, created_at, updated_at = row
    if python_proficiency is None:
        return None
    answers = Answers(PythonProficiency(python_proficiency), DeveloperRole(developer_role))
    return Profile(answers, is_onboarded, created_at, updated_at)
