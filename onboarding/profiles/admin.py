"""What operators do with the stored profiles: look at one, export all, count, and reset one.

An operator's own connection, under whatever role their `DATABASE_URL` names; beside `ProfileStore`,
which is the only way for users' answers.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg.errors import InsufficientPrivilege, InvalidTextRepresentation
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed, Identifier
from sqlalchemy import URL

from onboarding.connection import CONNECT_TIMEOUT_S
from onboarding.database import first_line
from onboarding.questions import Questionnaire

Record = Mapping[str, Any]
"""A row by the names of `columns`; times as the API writes them."""

_TIME = 'to_char({0}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS {0}'
# COPY streams: neither side ever holds more than a few rows. A cursor would need a transaction.
_EXPORTS: dict[str, LiteralString] = {
    "csv": "COPY (SELECT {} FROM user_profile) TO STDOUT (FORMAT csv, HEADER)",
    "jsonl": "COPY (SELECT row_to_json(r) FROM (SELECT {} FROM user_profile) r) TO STDOUT",
}
FORMATS = tuple(_EXPORTS)


class ExportError(Exception):
    """The database refused or can't be reached; the message is one line."""


@dataclass(frozen=True)
class Counts:
    """How many profiles there are: completed ones by answer and by the week's Monday, and drafts."""

    completed: int
    drafts: int
    answers: Mapping[str, Mapping[str, int]]
    weeks: Mapping[date, int]


@contextmanager
def connect(url: URL) -> Iterator[psycopg.Connection]:
    """Connect. Raise `ExportError` for whatever the database refuses inside."""
    _, address = url.get_dialect()().create_connect_args(url)
    settings = {
        "autocommit": True,
        "prepare_threshold": None,
        "client_encoding": "utf8",
        "application_name": "onboarding profiles",
        "connect_timeout": CONNECT_TIMEOUT_S,
    }
    try:
        with psycopg.connect(**{**settings, **address}) as connection:
            yield connection
    except InsufficientPrivilege as error:
        raise ExportError(
            f"{error.diag.message_primary}: give a DATABASE_URL whose role may do that, such as the "
            "one that migrates"
        ) from None
    except psycopg.Error as error:
        raise ExportError(first_line(error)) from None


def columns(questionnaire: Questionnaire) -> tuple[str, ...]:
    """Return the columns of a `Record`, in their order."""
    return ("user_id", *questionnaire.names, "is_onboarded", "created_at", "updated_at")


def find(
    connection: psycopg.Connection, questionnaire: Questionnaire, user_id: str
) -> Record | None:
    """Return a user's profile, None if there is none."""
    query = SQL("SELECT {} FROM user_profile WHERE user_id = %s").format(_selected(questionnaire))
    try:
        return connection.cursor(row_factory=dict_row).execute(query, [user_id]).fetchone()
    except InvalidTextRepresentation:
        # No id of this main site's looks like that.
        return None


def count(connection: psycopg.Connection) -> int:
    """Return how many rows there are, drafts included."""
    return _number(connection, "SELECT count(*) FROM user_profile")


def export(
    connection: psycopg.Connection, questionnaire: Questionnaire, file_format: str
) -> Generator[bytes, None, None]:
    """Yield all rows in one of the `FORMATS`, a line at a time, in UTF-8, in no particular order."""
    query = SQL(_EXPORTS[file_format]).format(_selected(questionnaire))
    with connection.cursor().copy(query) as lines:
        for line in lines:
            # COPY's text format doubles each backslash of the JSON, which has no other character
            # that COPY escapes.
            yield bytes(line) if file_format == "csv" else bytes(line).replace(b"\\\\", b"\\")


def counts(connection: psycopg.Connection, questionnaire: Questionnaire) -> Counts:
    """Count the profiles. A completed one never changes: `updated_at` is when it was completed."""
    drafts = _number(connection, "SELECT count(*) FROM user_profile WHERE is_onboarded IS NOT TRUE")
    answers = {}
    for question in questionnaire:
        query = SQL(
            "SELECT {0}, count(*) FROM user_profile WHERE is_onboarded GROUP BY {0}"
        ).format(Identifier(question.name))
        found: dict[str, int] = dict(connection.execute(query).fetchall())
        answers[question.name] = {value: found.get(value, 0) for value in question.values}
    weeks: dict[date, int] = dict(
        connection.execute(
            "SELECT CAST(date_trunc('week', updated_at) AS date) AS week, count(*)"
            " FROM user_profile WHERE is_onboarded GROUP BY week ORDER BY week"
        ).fetchall()
    )
    return Counts(sum(weeks.values()), drafts, answers, weeks)


def reset(
    connection: psycopg.Connection,
    questionnaire: Questionnaire,
    user_id: str,
    before_commit: Callable[[Record], None],
) -> bool:
    """Delete a user's profile, so that they are asked again; return whether there was one.

    `before_commit` gets what is being deleted. If it raises, nothing is deleted.
    """
    query = SQL("DELETE FROM user_profile WHERE user_id = %s RETURNING {}").format(
        _selected(questionnaire)
    )
    with connection.transaction():
        cursor = connection.cursor(row_factory=dict_row)
        deleted = cursor.execute(query, [user_id]).fetchone()
        if deleted is not None:
            before_commit(deleted)
    return deleted is not None


def _selected(questionnaire: Questionnaire) -> Composed:
    """Return the columns of a `Record` for a SELECT."""
    return SQL(", ").join(
        SQL(_TIME if name.endswith("_at") else "{}").format(Identifier(name))
        for name in columns(questionnaire)
    )


def _number(connection: psycopg.Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    return row[0] if row else 0
