"""Finds the main site's real tables: names, columns, types. Nothing is assumed, nothing guessed.

Better-Auth's adapters lay the same data out differently (measured, better-auth 1.7.25): Kysely and
Prisma use camelCase columns, Drizzle snake_case; instants are `timestamptz` or a naive `timestamp`
in UTC; ids are text, uuid or integers. One catalog query at start settles it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_ID_TYPES = ("text", "character varying", "uuid", "integer", "bigint")
_TEXT_TYPES = ("text", "character varying")
_TIMES = ("timestamp with time zone", "timestamp without time zone")
_BOOLEAN = ("boolean",)

# What is read, by Better-Auth's own field names, and the types it may have. The optional fields
# belong to the admin and anonymous plugins.
_USER = {"id": _ID_TYPES, "name": _TEXT_TYPES, "email": _TEXT_TYPES}
_USER_OPTIONAL = {"banned": _BOOLEAN, "banExpires": _TIMES, "isAnonymous": _BOOLEAN}
_SESSION = {"token": _TEXT_TYPES, "userId": _ID_TYPES, "expiresAt": _TIMES}
_SESSION_OPTIONAL = {"impersonatedBy": _ID_TYPES}
USER_FIELDS = (*_USER, *_USER_OPTIONAL)
SESSION_FIELDS = (*_SESSION, *_SESSION_OPTIONAL)

_CATALOG = text("""
    SELECT CAST(n.nspname AS text), CAST(c.relname AS text), CAST(a.attname AS text),
           regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(\\d+\\)', '')
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
""")


class SchemaMisfit(Exception):
    """The database doesn't hold Better-Auth's tables as this app can read them; one clear line."""


@dataclass(frozen=True)
class TableNames:
    """How the main site named its tables; an empty schema means the connection's search_path.

    `user_columns` and `session_columns` hold the column of each field that the main site renamed
    (its `user.fields` and `session.fields`). The other columns are found.
    """

    schema: str = ""
    user: str = "user"
    session: str = "session"
    user_columns: Mapping[str, str] = field(default_factory=dict)
    session_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One real table: its schema and name, and for each field it has, the column and its type."""

    schema: str
    name: str
    columns: Mapping[str, str]
    types: Mapping[str, str]

    def has(self, field_name: str) -> bool:
        """Tell whether the table has a column for this field of Better-Auth's."""
        return field_name in self.columns


@dataclass(frozen=True)
class Layout:
    """The main site's tables as they really are. `user.types["id"]` is the type of every user id."""

    user: Table
    session: Table

    def __iter__(self) -> Iterator[Table]:
        return iter((self.user, self.session))


def discover(connection: Connection, names: TableNames) -> Layout:
    """Find the layout in the catalog; needs no right on the tables themselves.

    Raises `SchemaMisfit` with what is missing and the mend.
    """
    return Layout(
        user=find_user_table(connection, names), session=find_session_table(connection, names)
    )


def find_user_table(connection: Connection, names: TableNames) -> Table:
    """Find the user table alone, which is all that our own table refers to."""
    mend = (
        "see whether DATABASE_URL is the main site's; run its own migrations first, or set "
        "BETTER_AUTH_SCHEMA and BETTER_AUTH_USER_TABLE to its names"
    )
    rows = _rows(connection, names.schema, names.user, mend)
    return _table(rows, names.user, names.user_columns, _USER, _USER_OPTIONAL)


def find_session_table(connection: Connection, names: TableNames) -> Table:
    """Find the session table alone."""
    mend = (
        "set BETTER_AUTH_SESSION_TABLE to its name; a main site with a secondary storage keeps "
        "none unless it sets session.storeSessionInDatabase; SESSION_SOURCE=http needs none"
    )
    rows = _rows(connection, names.schema, names.session, mend)
    return _table(rows, names.session, names.session_columns, _SESSION, _SESSION_OPTIONAL)


def _rows(connection: Connection, schema: str, name: str, mend: str) -> list[tuple[str, ...]]:
    rows = [tuple(row) for row in connection.execute(_CATALOG, {"table": _quoted(schema, name)})]
    if not rows:
        where = f"in schema {schema}" if schema else "on the connection's search_path"
        raise SchemaMisfit(f"table {name} was not found {where}: {mend}")
    return rows


def _table(
    rows: list[tuple[str, ...]],
    name: str,
    renamed: Mapping[str, str],
    required: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]],
) -> Table:
    real = {row[2]: row[3] for row in rows}
    columns: dict[str, str] = {}
    for field_name, types in {**required, **optional}.items():
        spellings = (field_name, _snake_case(field_name))
        candidates = (renamed[field_name],) if field_name in renamed else dict.fromkeys(spellings)
        column = next((candidate for candidate in candidates if candidate in real), None)
        if column is None:
            # An optional one that was named is missed as well: to overlook a ban would let
            # somebody in.
            if field_name in required or field_name in renamed:
                raise SchemaMisfit(f"table {name} has no column {' or '.join(candidates)}")
        elif real[column] in types:
            columns[field_name] = column
        else:
            raise SchemaMisfit(
                f"column {name}.{column} is of type {real[column]}; "
                f"this app reads {' or '.join(types)}"
            )
    types_found = {field_name: real[column] for field_name, column in columns.items()}
    return Table(rows[0][0], rows[0][1], columns, types_found)


def _quoted(schema: str, table: str) -> str:
    parts = [schema, table] if schema else [table]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _snake_case(field: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", field).lower()
