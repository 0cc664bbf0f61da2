"""What operators do with the stored profiles: look at one, export all, count, and open one again.

Beside `rules`, which is the only way for a person's own answers. These connections are an operator's:
one statement each, under whatever role their `DATABASE_URL` names.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg.errors import InsufficientPrivilege, InvalidTextRepresentation
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from onboarding.database import CONNECT_TIMEOUT_S
from onboarding.profiles.questions import QUESTIONS

Record = Mapping[str, Any]
"""A row by its columns' names, as `COLUMNS` lists them; times as the API writes them."""

_TIME = 'to_char({0}, \'YYYY-MM-DD"T"HH24:MI:SS"Z"\') AS {0}'
COLUMNS = (
    "user_id",
    *(question.field for question in QUESTIONS),
    "is_onboarded",
    "created_at",
    "updated_at",
)
_SHOWN = SQL(", ").join(
    SQL(_TIME).format(Identifier(name)) if name.endswith("_at") else Identifier(name)
    for name in COLUMNS
)
# COPY streams: neither side ever holds more than a few rows. A cursor would need a transaction.
_EXPORTS: dict[str, LiteralString] = {
    "csv": "COPY (SELECT {} FROM user_profile) TO STDOUT (FORMAT csv, HEADER)",
    "jsonl": "COPY (SELECT row_to_json(r) FROM (SELECT {} FROM user_profile) r) TO STDOUT",
}
FORMATS = tuple(_EXPORTS)


class Refused(Exception):
    """The database refused or is out of reach; the message is one clear line."""


@dataclass(frozen=True)
class Counts:
    """How many profiles there are: completed ones by answer and by the week's Monday, and drafts."""

    completed: int
    drafts: int
    answers: Mapping[str, Mapping[str, int]]
    weeks: Mapping[date, int]


@contextmanager
def opened(url: URL) -> Iterator[psycopg.Connection]:
    """Connect, and turn whatever the database refuses into `Refused`."""
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
        raise Refused(
            f"{error.diag.message_primary}: give a DATABASE_URL whose role may do that, "
            "such as the one that migrates"
        ) from None
    except psycopg.Error as error:
        raise Refused(str(error).strip().partition("\n")[0]) from None


def find(connection: psycopg.Connection, user_id: str) -> Record | None:
    """Give the profile of a user, None where there is none."""
    query = SQL("SELECT {} FROM user_profile WHERE user_id = %s").format(_SHOWN)
    try:
        return connection.cursor(row_factory=dict_row).execute(query, [user_id]).fetchone()
    except InvalidTextRepresentation:
        # No id of this main site's looks like that.
        return None


def count(connection: psycopg.Connection) -> int:
    """Give how many rows there are, drafts too."""
    row = connection.execute("SELECT count(*) FROM user_profile").fetchone()
    return row[0] if row else 0


def export(connection: psycopg.Connection, form: str) -> Generator[bytes, None, None]:
    """Give all rows in one of the `FORMATS`, a line at a time, in UTF-8, in no particular order."""
    with connection.cursor().copy(SQL(_EXPORTS[form]).format(_SHOWN)) as rows:
        for line in rows:
            # COPY's text format doubles each backslash of the JSON, which has no other character
            # that COPY escapes.
            yield bytes(line) if form == "csv" else bytes(line).replace(b"\\\\", b"\\")


def counts(connection: psycopg.Connection) -> Counts:
    """Count the profiles. A completed one never changes, so `updated_at` is when it was completed."""
    drafts = connection.execute(
        "SELECT count(*) FROM user_profile WHERE is_onboarded IS NOT TRUE"
    ).fetchone()
    by_answer = {}
    for question in QUESTIONS:
        found: dict[str, int] = dict(
            connection.execute(
                SQL(
                    "SELECT {0}, count(*) FROM user_profile WHERE is_onboarded GROUP BY {0}"
                ).format(Identifier(question.field))
            )
        )
        by_answer[question.field] = {
            answer.value: found.get(answer.value, 0) for answer in question.answers
        }
    weeks: dict[date, int] = dict(
        connection.execute(
            "SELECT CAST(date_trunc('week', updated_at) AS date) AS week, count(*)"
            " FROM user_profile WHERE is_onboarded GROUP BY week ORDER BY week"
        )
    )
    return Counts(sum(weeks.values()), drafts[0] if drafts else 0, by_answer, weeks)


def reset(
    connection: psycopg.Connection, user_id: str, before_it_counts: Callable[[Record], None]
) -> bool:
    """Delete a user's profile, so that they are asked again; tell whether there was one.

    `before_it_counts` gets what is being deleted. When it raises, nothing is deleted.
    """
    query = SQL("DELETE FROM user_profile WHERE user_id = %s RETURNING {}").format(_SHOWN)
    with connection.transaction():
        deleted = connection.cursor(row_factory=dict_row).execute(query, [user_id]).fetchone()
        if deleted is not None:
            before_it_counts(deleted)
    return deleted is not None
