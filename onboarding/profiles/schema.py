"""Compare the real `user_profile` with the rules that the database must uphold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, TextClause, text

from onboarding.profiles.table import FINAL, TABLE, check_name
from onboarding.questions import Questionnaire

_MIGRATE_AGAIN = "run alembic stamp base, then alembic upgrade head, which adds what is missing"

# Text refers to a varchar id as well; the first data model says TEXT.
_TEXT_TYPES = ("text", "character varying")
_TIME = "timestamp without time zone"

_OWN_TABLE = text("SELECT quote_ident(current_schema()) || '.' || :table")
_EXISTS = text("SELECT to_regclass(:table) IS NOT NULL")

_COLUMNS = text("""
    SELECT attname, format_type(atttypid, atttypmod), attnotnull,
           atthasdef OR attidentity <> '' OR attgenerated <> ''
    FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
""")
_CONSTRAINTS = text("""
    SELECT conname, contype, confdeltype, pg_get_constraintdef(oid), ARRAY(
        SELECT CAST(attname AS text) FROM pg_attribute
        WHERE attrelid = conrelid AND attnum = ANY (conkey)
    )
    FROM pg_constraint WHERE conrelid = to_regclass(:table) AND convalidated
""")
# A trigger that is disabled, or fires on replicas only, upholds nothing.
_TRIGGERS = text("""
    SELECT tgname, tgtype, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
""")
# 1 + 2 + 16: for each row, before, update (pg_trigger.h).
_BEFORE_UPDATE_OF_EACH_ROW = 19
_MAY_SAVE = text("""
    SELECT bool_and(has_table_privilege(to_regclass(:table), verb))
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS verb
""")
IS_READ_ONLY = text("SELECT current_setting('transaction_read_only') = 'on'")

# How PostgreSQL writes a CHECK of a text column against one value, or several.
_LITERAL = r"'(?:[^']|'')*'::text"
_CHECK = re.compile(rf"CHECK \(\((\w+) = (?:ANY \(ARRAY\[)?({_LITERAL}(?:, {_LITERAL})*)[\])]*\)\)")


@dataclass(frozen=True)
class Problem:
    """What is wrong with the table, and what fixes it if that is known."""

    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.message}: {self.fix}" if self.fix else self.message


READ_ONLY = Problem(
    "the database is read-only, so nothing can be saved", "set DATABASE_URL to the primary"
)
MISSING_TABLE = Problem(f"table {TABLE} is missing", "run alembic upgrade head")


def own_table(connection: Connection) -> str | None:
    """Return the table's full name, quoted, in the schema where a migration makes it.

    A table of that name further along the search_path isn't this app's. None without a schema.
    """
    name: str | None = connection.scalar(_OWN_TABLE, {"table": TABLE})
    return name


def exists(connection: Connection) -> bool:
    """Return whether there is a `user_profile` where a migration makes it."""
    return bool(connection.scalar(_EXISTS, {"table": own_table(connection)}))


def foreign_table(connection: Connection, questionnaire: Questionnaire) -> Problem | None:
    """Return the problem that the table there is somebody else's, None if there is none or it is ours.

    Ours has our trigger, or every column that a migration needs to adopt it.
    """
    table = own_table(connection)
    columns = {name for name, *_ in _rows(connection, _COLUMNS, table)}
    missing = [name for name in ("user_id", *questionnaire.names) if name not in columns]
    has_trigger = any(name == FINAL for name, *_ in _rows(connection, _TRIGGERS, table))
    if not columns or not missing or has_trigger:
        return None
    return Problem(
        f"the table {TABLE} that is there isn't this app's: it has no {', '.join(missing)}",
        "give this app a schema of its own: better-auth-onboarding doctor --grants prints how",
    )


def problems(
    connection: Connection, questionnaire: Questionnaire, user_id_type: str
) -> list[Problem]:
    """Return what is wrong with the table and with this role's rights; [] if all fits.

    `user_id_type` is the type of the main site's user id, as PostgreSQL writes it. This finds what was
    forgotten or broken by accident, not what an owner hides.
    """
    found = []
    if connection.scalar(IS_READ_ONLY):
        found.append(READ_ONLY)
    # NULL if there is no table.
    if connection.scalar(_MAY_SAVE, {"table": own_table(connection)}) is False:
        found.append(Problem(f"this role may not SELECT, INSERT and UPDATE {TABLE}", "grant it"))
    return found + table_problems(connection, questionnaire, user_id_type)


def table_problems(
    connection: Connection, questionnaire: Questionnaire, user_id_type: str
) -> list[Problem]:
    """Return what is wrong with the table itself, whatever this role may do with it."""
    table = own_table(connection)
    columns = {name: tuple(row) for name, *row in _rows(connection, _COLUMNS, table)}
    if not columns:
        return [MISSING_TABLE]
    if (foreign := foreign_table(connection, questionnaire)) is not None:
        return [foreign]
    types = {
        "user_id": _TEXT_TYPES if user_id_type in _TEXT_TYPES else (user_id_type,),
        **dict.fromkeys(questionnaire.names, ("text",)),
        "is_onboarded": ("boolean",),
        "created_at": (_TIME,),
        "updated_at": (_TIME,),
    }
    constraints = _rows(connection, _CONSTRAINTS, table)
    checks = {name: definition for name, kind, _, definition, _ in constraints if kind == "c"}
    return [
        *_column_problems(columns, types),
        *_check_problems(checks, questionnaire),
        *_key_problems(constraints),
        *_trigger_problems(_rows(connection, _TRIGGERS, table), questionnaire),
    ]


def _column_problems(
    columns: Mapping[str, tuple[Any, ...]], types: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    found = []
    for name, expected in types.items():
        kind, not_null, _ = columns.get(name, (None, False, False))
        if kind is None:
            found.append(Problem(f"column {TABLE}.{name} is missing", _MIGRATE_AGAIN))
        elif kind not in expected:
            found.append(Problem(f"column {TABLE}.{name} is of type {kind}, not {expected[0]}"))
        elif not not_null:
            found.append(Problem(f"column {TABLE}.{name} may be NULL", _MIGRATE_AGAIN))
    for name, (_, not_null, has_default) in columns.items():
        if name not in types and not_null and not has_default:
            found.append(
                Problem(f"column {TABLE}.{name} is NOT NULL without a default, so every save fails")
            )
    return found


def _check_problems(checks: Mapping[str, str], questionnaire: Questionnaire) -> list[Problem]:
    return [
        Problem(
            f"constraint {check_name(question)} is missing or differs from the questions",
            _MIGRATE_AGAIN,
        )
        for question in questionnaire
        if _admitted(checks.get(check_name(question), ""), question.name) != set(question.values)
    ]


def _admitted(definition: str, column: str) -> set[str]:
    """Return the values that a CHECK of this column admits; an empty set for any other CHECK."""
    match = _CHECK.fullmatch(definition)
    if match is None or match[1] != column:
        return set()
    literals = re.findall(_LITERAL, match[2])
    return {literal.removesuffix("::text")[1:-1].replace("''", "'") for literal in literals}


def _key_problems(constraints: list[tuple[Any, ...]]) -> list[Problem]:
    found = []
    if not any(kind == "p" and of == ["user_id"] for _, kind, _, _, of in constraints):
        found.append(Problem(f"table {TABLE} has no primary key on user_id", _MIGRATE_AGAIN))
    on_delete = [
        action for _, kind, action, _, of in constraints if (kind, of) == ("f", ["user_id"])
    ]
    if not on_delete or any(action != "c" for action in on_delete):
        found.append(
            Problem(f"rows of {TABLE} aren't deleted along with their users", _MIGRATE_AGAIN)
        )
    return found


def _trigger_problems(
    triggers: list[tuple[Any, ...]], questionnaire: Questionnaire
) -> list[Problem]:
    final = ("user_id", "is_onboarded", *questionnaire.names)
    for name, kind, definition in triggers:
        words = set(re.findall(r"[\w.]+", definition.lower()))
        compares = all({f"old.{column}", f"new.{column}"} <= words for column in final)
        if name == FINAL and kind == _BEFORE_UPDATE_OF_EACH_ROW and compares:
            return []
    problem = f"trigger {FINAL} is missing, disabled or differs from the questions"
    return [Problem(problem, _MIGRATE_AGAIN)]


def _rows(connection: Connection, query: TextClause, table: str | None) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(query, {"table": table})]
