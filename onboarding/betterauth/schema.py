"""Find the main site's real tables: names, columns, types. Nothing is assumed or guessed.

Better-Auth's adapters lay out the same data differently (measured, better-auth 1.7.25): Kysely and
Prisma use camelCase columns, Drizzle snake_case; times are `timestamptz` or a naive `timestamp` in
UTC; ids are text, uuid or integers. One catalog query at start settles it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

_ID_TYPES = ("text", "character varying", "uuid", "integer", "bigint")
_TEXT_TYPES = ("text", "character varying")
TIMESTAMPTZ, TIMESTAMP = "timestamp with time zone", "timestamp without time zone"
_TIME_TYPES = (TIMESTAMPTZ, TIMESTAMP)
_BOOLEAN = ("boolean",)

# The fields that are read, under Better-Auth's own names, and the types they may have. The optional
# fields belong to the admin and anonymous plugins.
_USER = {"id": _ID_TYPES, "name": _TEXT_TYPES, "email": _TEXT_TYPES}
_USER_OPTIONAL = {"banned": _BOOLEAN, "banExpires": _TIME_TYPES, "isAnonymous": _BOOLEAN}
_SESSION = {"token": _TEXT_TYPES, "userId": _ID_TYPES, "expiresAt": _TIME_TYPES}
_SESSION_OPTIONAL = {"impersonatedBy": _ID_TYPES}
USER_FIELDS = (*_USER, *_USER_OPTIONAL)
SESSION_FIELDS = (*_SESSION, *_SESSION_OPTIONAL)

# Types come without a length or precision.
_COLUMNS = text("""
    SELECT CAST(n.nspname AS text), CAST(c.relname AS text), CAST(a.attname AS text),
           regexp_replace(format_type(a.atttypid, a.atttypmod), '\\(\\d+\\)', '')
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
""")


class SchemaError(Exception):
    """The database doesn't hold Better-Auth's tables as this package can read them.

    `message` says what is wrong and `fix` what to do about it, if that is known.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}: {fix}" if fix else message)
        self.message = message
        self.fix = fix


@dataclass(frozen=True)
class TableNames:
    """How the main site named its tables; an empty schema means the connection's search_path.

    `user_columns` and `session_columns` hold the column of each field that the main site renamed
    (its `user.fields` and `session.fields`). The other columns are discovered.
    """

    schema: str = ""
    user: str = "user"
    session: str = "session"
    user_columns: Mapping[str, str] = field(default_factory=dict)
    session_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """A real table: its schema and name, and the column and the type of each field that it has."""

    schema: str
    name: str
    columns: Mapping[str, str]
    types: Mapping[str, str]

    @property
    def quoted_name(self) -> str:
        """The table's full name, quoted for SQL."""
        return quoted(self.schema, self.name)

    def has(self, field_name: str) -> bool:
        """Return whether the table has a column for this field of Better-Auth's."""
        return field_name in self.columns


@dataclass(frozen=True)
class Layout:
    """The main site's tables as they are. `user.types["id"]` is the type of every user id."""

    user: Table
    session: Table

    def __iter__(self) -> Iterator[Table]:
        return iter((self.user, self.session))


def quoted(*names: str) -> str:
    """Return a name, or its parts joined by dots, quoted as PostgreSQL reads it letter for letter."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def discover(connection: Connection, names: TableNames) -> Layout:
    """Return the layout that the catalog shows; this needs no right on the tables themselves.

    Raise `SchemaError` if a table or column is missing or has a type that can't be read.
    """
    return Layout(
        user=find_user_table(connection, names), session=find_session_table(connection, names)
    )


def find_user_table(connection: Connection, names: TableNames) -> Table:
    """Return the user table alone. Raise `SchemaError`."""
    fix = (
        "check that DATABASE_URL is the main site's database; run the main site's own migrations "
        "first, or set BETTER_AUTH_SCHEMA and BETTER_AUTH_USER_TABLE to its names"
    )
    rows = _rows(connection, names.schema, names.user, fix)
    return _table(rows, names.user, names.user_columns, _USER, _USER_OPTIONAL)


def find_session_table(connection: Connection, names: TableNames) -> Table:
    """Return the session table alone. Raise `SchemaError`."""
    fix = (
        "set BETTER_AUTH_SESSION_TABLE to its name; a main site with a secondary storage has none "
        "unless it sets session.storeSessionInDatabase; SESSION_SOURCE=http needs none"
    )
    rows = _rows(connection, names.schema, names.session, fix)
    return _table(rows, names.session, names.session_columns, _SESSION, _SESSION_OPTIONAL)


def column_types(connection: Connection, quoted_name: str) -> dict[str, str]:
    """Return the type of each column of a table by its name; empty if there is no such table."""
    return {row[2]: row[3] for row in connection.execute(_COLUMNS, {"table": quoted_name})}


def _rows(connection: Connection, schema: str, name: str, fix: str) -> list[tuple[str, ...]]:
    table = quoted(schema, name) if schema else quoted(name)
    rows = [tuple(row) for row in connection.execute(_COLUMNS, {"table": table})]
    if not rows:
        where = f"in schema {schema}" if schema else "on the connection's search_path"
        raise SchemaError(f"table {name} was not found {where}", fix)
    return rows


def _table(
    rows: list[tuple[str, ...]],
    name: str,
    renamed: Mapping[str, str],
    required: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]],
) -> Table:
    types = {row[2]: row[3] for row in rows}
    columns: dict[str, str] = {}
    for field_name, readable_types in {**required, **optional}.items():
        spellings = (field_name, _snake_case(field_name))
        candidates = (renamed[field_name],) if field_name in renamed else dict.fromkeys(spellings)
        column = next((candidate for candidate in candidates if candidate in types), None)
        if column is None:
            # An optional field that was renamed in the settings is required as well: overlooking a
            # ban would let somebody in.
            if field_name in required or field_name in renamed:
                raise SchemaError(f"table {name} has no column {' or '.join(candidates)}")
        elif types[column] in readable_types:
            columns[field_name] = column
        else:
            raise SchemaError(
                f"column {name}.{column} is of type {types[column]}; "
                f"this app reads {' or '.join(readable_types)}"
            )
    field_types = {field_name: types[column] for field_name, column in columns.items()}
    return Table(rows[0][0], rows[0][1], columns, field_types)


def _snake_case(field_name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", field_name).lower()
