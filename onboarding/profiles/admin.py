"""What operators do with the stored profiles: look at one, export all, count, and reset one.

An operator's own connections, under whatever role their `DATABASE_URL` names; beside `ProfileStore`,
which is the only way for users' answers.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import (
    URL,
    ColumnElement,
    Date,
    Engine,
    NullPool,
    Select,
    Table,
    Text,
    cast,
    column,
    create_engine,
    delete,
    func,
    or_,
    select,
    table,
)
from sqlalchemy.exc import DataError, DBAPIError

from onboarding.betterauth.schema import SchemaError, TableNames, find_user_table
from onboarding.database import first_line
from onboarding.database_connection import CONNECT_TIMEOUT_S
from onboarding.profiles.table import profile_table
from onboarding.questions import Questionnaire

Record = Mapping[str, Any]
"""A row by the names of its columns; times as the API writes them."""

FORMATS = ("csv", "jsonl")


class AdminError(Exception):
    """The command can't be done; the message is one line."""


@dataclass(frozen=True)
class Counts:
    """How many users there are, and how far they are.

    `registered` is None if this role can't read the main site's users; guests aren't counted. `started`
    have a row, `finished` are onboarded, by answer and by the week's Monday.
    """

    registered: int | None
    started: int
    finished: int
    answers: Mapping[str, Mapping[str, int]]
    weeks: Mapping[date, int]


@contextmanager
def open_engine(url: URL) -> Iterator[Engine]:
    """Return an engine. Raise `AdminError` for whatever the database refuses inside."""
    options = {
        "prepare_threshold": None,
        "client_encoding": "utf8",
        "application_name": "onboarding profiles",
        "connect_timeout": CONNECT_TIMEOUT_S,
    }
    try:
        yield create_engine(url, poolclass=NullPool, connect_args=options)
    except SchemaError as error:
        raise AdminError(str(error)) from None
    except (DBAPIError, psycopg.Error) as error:
        message = first_line(error)
        if _is_forbidden(error):
            message += ": give a DATABASE_URL whose role may do that"
        raise AdminError(message) from None


def find_user(engine: Engine, names: TableNames, user: str) -> str:
    """Return the id of the user with this id or e-mail address, in capitals or not.

    If the main site's users can't be read, `user` itself, which may be an id. Raise `AdminError` if there
    is no such user, or if there are several.
    """
    try:
        with engine.connect() as connection:
            found = find_user_table(connection, names)
            user_id = cast(column(found.columns["id"]), Text)
            email = cast(column(found.columns["email"]), Text)
            wanted = func.lower(user)
            query = (
                select(user_id, email)
                .select_from(table(found.name, schema=found.schema))
                .where(or_(func.lower(user_id) == wanted, func.lower(email) == wanted))
            )
            rows = connection.execute(query).all()
    except (SchemaError, DBAPIError) as error:
        if "@" in user or not (isinstance(error, SchemaError) or _is_forbidden(error)):
            raise
        return user
    # Two users may differ in capitals alone.
    exact = [row for row in rows if user in row] or rows
    if len(exact) > 1:
        raise AdminError(f"{len(exact)} users match {user}: give an id")
    if not exact:
        raise AdminError(f"there is no user {user}")
    return str(exact[0][0])


def find(engine: Engine, questionnaire: Questionnaire, user_id: str) -> Record | None:
    """Return a user's profile, None if there is none."""
    rows = profile_table(questionnaire)
    query = _records(rows).where(rows.c.user_id == user_id)
    try:
        with engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
    except DataError:
        # No id of this main site's looks like that.
        return None
    return None if row is None else {**row}


def count(engine: Engine, questionnaire: Questionnaire) -> int:
    """Return how many rows there are, drafts included."""
    with engine.connect() as connection:
        rows = profile_table(questionnaire)
        return connection.scalar(select(func.count()).select_from(rows)) or 0


def export(
    engine: Engine, questionnaire: Questionnaire, file_format: str
) -> Generator[bytes, None, None]:
    """Yield all rows in one of the `FORMATS`, a line at a time, in UTF-8, in no particular order.

    By COPY, which streams: neither side ever holds more than a few rows.
    """
    select_all = _records(profile_table(questionnaire)).compile(
        engine, compile_kwargs={"literal_binds": True}
    )
    copy = {
        "csv": f"COPY ({select_all}) TO STDOUT (FORMAT csv, HEADER)",
        "jsonl": f"COPY (SELECT row_to_json(r) FROM ({select_all}) r) TO STDOUT",  # noqa: S608
    }
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        with driver.cursor().copy(copy[file_format]) as lines:
            for line in lines:
                # COPY's text format doubles each backslash of the JSON, which has no other character
                # that COPY escapes.
                yield bytes(line) if file_format == "csv" else bytes(line).replace(b"\\\\", b"\\")


def counts(engine: Engine, names: TableNames, questionnaire: Questionnaire) -> Counts:
    """Count users and profiles. A finished one never changes: `updated_at` is when it was finished."""
    rows = profile_table(questionnaire)

    def finished_by(key: ColumnElement[Any]) -> dict[Any, int]:
        query = select(key, func.count()).where(rows.c.is_onboarded).group_by(key).order_by(key)
        return {row[0]: row[1] for row in connection.execute(query)}

    registered = _registered(engine, names)
    with engine.connect() as connection:
        started = connection.scalar(select(func.count()).select_from(rows)) or 0
        answers = {}
        for question in questionnaire:
            found = finished_by(rows.c[question.name])
            answers[question.name] = {value: found.get(value, 0) for value in question.values}
        weeks = finished_by(cast(func.date_trunc("week", rows.c.updated_at), Date))
    return Counts(registered, started, sum(weeks.values()), answers, weeks)


def reset(
    engine: Engine,
    questionnaire: Questionnaire,
    user_id: str,
    before_commit: Callable[[Record, str], None],
) -> bool:
    """Delete a user's profile, so that they are asked again; return whether there was one.

    `before_commit` gets what is being deleted and the role that does it. If it raises, nothing is
    deleted.
    """
    rows = profile_table(questionnaire)
    where = rows.c.user_id == user_id
    query = delete(rows).where(where).returning(*_records(rows).selected_columns)
    with engine.begin() as connection:
        deleted = connection.execute(query).mappings().one_or_none()
        if deleted is not None:
            before_commit({**deleted}, connection.scalar(select(func.current_user())) or "")
    return deleted is not None


def _registered(engine: Engine, names: TableNames) -> int | None:
    try:
        with engine.connect() as connection:
            found = find_user_table(connection, names)
            query = select(func.count()).select_from(table(found.name, schema=found.schema))
            if found.has("isAnonymous"):
                query = query.where(column(found.columns["isAnonymous"]).is_not(True))
            return connection.scalar(query)
    except (SchemaError, DBAPIError) as error:
        if isinstance(error, SchemaError) or _is_forbidden(error):
            return None
        raise


def _records(rows: Table) -> Select[*tuple[Any, ...]]:
    """Return the SELECT of all rows as a `Record`."""
    times = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
    return select(
        *(
            func.to_char(one, times).label(one.name) if one.name.endswith("_at") else one
            for one in rows.columns
        )
    )


def _is_forbidden(error: Exception) -> bool:
    return isinstance(getattr(error, "orig", error), InsufficientPrivilege)
