"""Holds the real `user_profile` against the rules that the database must uphold."""

from sqlalchemy import Connection, text

from onboarding.profiles.model import FINAL, UserProfile

_TIME = ("timestamp without time zone",)
_TEXTUAL = ("text", "character varying")
_EXPECTED_TYPES = {
    "python_proficiency": ("text",),
    "developer_role": ("text",),
    "is_onboarded": ("boolean",),
    "created_at": _TIME,
    "updated_at": _TIME,
}

_COLUMNS = text("""
    SELECT attname, format_type(atttypid, atttypmod), attnotnull
    FROM pg_attribute
    WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
""")
_CONSTRAINTS = text("""
    SELECT conname, contype, confdeltype
    FROM pg_constraint WHERE conrelid = to_regclass(:table) AND convalidated
""")
# A trigger that is disabled, or fires on replicas only, upholds nothing.
_TRIGGERS = text("""
    SELECT tgname FROM pg_trigger
    WHERE tgrelid = to_regclass(:table) AND NOT tgisinternal AND tgenabled IN ('O', 'A')
""")


def misfits(connection: Connection, user_id_type: str) -> list[str]:
    """Give what is wrong with the real table, a line each; an empty list when it fits.

    `user_id_type` is the type of the main site's user id, as PostgreSQL writes it.
    """
    table = UserProfile.__tablename__
    mend = "run alembic upgrade head"
    columns = {name: (kind, not_null) for name, kind, not_null in _rows(connection, _COLUMNS)}
    if not columns:
        return [f"table {table} is missing: {mend}"]
    faults = []
    # Text refers to a varchar id as well; the seed's own table says TEXT.
    user_id_types = _TEXTUAL if user_id_type in _TEXTUAL else (user_id_type,)
    for name, types in {"user_id": user_id_types, **_EXPECTED_TYPES}.items():
        kind, not_null = columns.get(name, (None, False))
        if kind is None:
            faults.append(f"column {table}.{name} is missing: {mend}")
        elif kind not in types:
            faults.append(f"column {table}.{name} is of type {kind}, not {types[0]}")
        elif not not_null:
            faults.append(f"column {table}.{name} may be NULL: {mend}")
    constraints = _rows(connection, _CONSTRAINTS)
    checks = {name for name, kind, _ in constraints if kind == "c"}
    for check in ("ck_user_profile_python_proficiency", "ck_user_profile_developer_role"):
        if check not in checks:
            faults.append(f"constraint {check} is missing: {mend}")
    if not any(kind == "p" for _, kind, _ in constraints):
        faults.append(f"table {table} has no primary key: {mend}")
    if not any(kind == "f" and on_delete == "c" for _, kind, on_delete in constraints):
        faults.append(f"table {table} doesn't go along when a user is deleted: {mend}")
    if FINAL not in {name for (name,) in _rows(connection, _TRIGGERS)}:
        faults.append(f"trigger {FINAL} is missing or disabled: {mend}")
    return faults


def _rows(connection: Connection, query: object) -> list[tuple]:  # type: ignore[type-arg]
    return [tuple(row) for row in connection.execute(query, {"table": UserProfile.__tablename__})]  # type: ignore[call-overload]
