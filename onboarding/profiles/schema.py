"""Holds the real `user_profile` against the rules that the database must uphold."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, TextClause, text

from onboarding.profiles.model import FINAL, USER_PROFILE
from onboarding.profiles.questions import QUESTIONS

TABLE = USER_PROFILE.name
_ANEW = "run alembic stamp base, then alembic upgrade head, which adds what is missing"

_TIME = "timestamp without time zone"
_TYPES = {
    "python_proficiency": "text",
    "developer_role": "text",
    "is_onboarded": "boolean",
    "created_at": _TIME,
    "updated_at": _TIME,
}
# Text refers to a varchar id as well; the first data model says TEXT.
_TEXTUAL = ("text", "character varying")

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
# A trigger that is disabled, or fires on replicas only, upholds nothing. 1 + 2 + 16: for each row,
# before an update (pg_trigger.h).
_TRIGGERS = text("""
    SELECT tgname, tgtype, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
""")
_EACH_ROW_BEFORE_UPDATE = 19
_MAY_SAVE = text("""
    SELECT bool_and(has_table_privilege(to_regclass(:table), verb))
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) AS verb
""")


class Misfit(NamedTuple):
    """What is wrong with the table, and what mends it, where that is known."""

    fault: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.fault}: {self.mend}" if self.mend else self.fault


def misfits(connection: Connection, user_id_type: str) -> list[str]:
    """Give what is wrong with the real table, a line each; an empty list when it fits.

    `user_id_type` is the type of the main site's user id, as PostgreSQL writes it. This finds what
    was forgotten or broken by accident; an owner who means to deceive can.
    """
    # NULL where there is no table.
    may_save = connection.scalar(_MAY_SAVE, {"table": TABLE}) is not False
    faults = (
        []
        if may_save
        else [Misfit(f"this role may not SELECT, INSERT and UPDATE {TABLE}", "grant it")]
    )
    return list(map(str, [*faults, *table_misfits(connection, user_id_type)]))


def table_misfits(connection: Connection, user_id_type: str) -> list[Misfit]:
    """Give what is wrong with the table itself, whatever this role may do with it."""
    columns = {row[0]: row[1:] for row in _rows(connection, _COLUMNS)}
    if not columns:
        return [Misfit(f"table {TABLE} is missing", "run alembic upgrade head")]
    constraints = _rows(connection, _CONSTRAINTS)
    return [
        *_column_faults(columns, user_id_type),
        *_check_faults({row[0]: row[3] for row in constraints if row[1] == "c"}),
        *_key_faults(constraints),
        *_trigger_faults(_rows(connection, _TRIGGERS)),
    ]


def _column_faults(columns: dict[str, Any], user_id_type: str) -> list[Misfit]:
    faults = []
    user_id_types = _TEXTUAL if user_id_type in _TEXTUAL else (user_id_type,)
    wanted = {"user_id": user_id_types} | {name: (kind,) for name, kind in _TYPES.items()}
    for name, types in wanted.items():
        kind, not_null, _ = columns.get(name, (None, False, False))
        if kind is None:
            faults.append(Misfit(f"column {TABLE}.{name} is missing", _ANEW))
        elif kind not in types:
            faults.append(Misfit(f"column {TABLE}.{name} is of type {kind}, not {types[0]}"))
        elif not not_null:
            faults.append(Misfit(f"column {TABLE}.{name} may be NULL", _ANEW))
    for name, (_, not_null, has_default) in columns.items():
        if name not in wanted and not_null and not has_default:
            faults.append(
                Misfit(f"column {TABLE}.{name} is NOT NULL without a default, so no save can work")
            )
    return faults


def _check_faults(checks: dict[str, str]) -> list[Misfit]:
    faults = []
    for question in QUESTIONS:
        name = f"ck_{TABLE}_{question.field}"
        values = ", ".join(f"'{answer.value}'::text" for answer in question.answers)
        if checks.get(name) != f"CHECK (({question.field} = ANY (ARRAY[{values}])))":
            faults.append(Misfit(f"constraint {name} is missing or another", _ANEW))
    return faults


def _key_faults(constraints: list[tuple[Any, ...]]) -> list[Misfit]:
    faults = []
    if not any(kind == "p" and of == ["user_id"] for _, kind, _, _, of in constraints):
        faults.append(Misfit(f"table {TABLE} has no primary key on user_id", _ANEW))
    on_delete = [row[2] for row in constraints if row[1] == "f" and row[4] == ["user_id"]]
    if not on_delete or any(action != "c" for action in on_delete):
        faults.append(Misfit(f"table {TABLE} doesn't go along when a user is deleted", _ANEW))
    return faults


def _trigger_faults(triggers: list[tuple[Any, ...]]) -> list[Misfit]:
    guarded = ["user_id", "is_onboarded", *(question.field for question in QUESTIONS)]
    for name, kind, definition in triggers:
        told = definition.lower()
        compares = all(f"old.{column}" in told and f"new.{column}" in told for column in guarded)
        if name == FINAL and kind == _EACH_ROW_BEFORE_UPDATE and compares:
            return []
    return [Misfit(f"trigger {FINAL} is missing, disabled or another", _ANEW)]


def _rows(connection: Connection, query: TextClause) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(query, {"table": TABLE})]
