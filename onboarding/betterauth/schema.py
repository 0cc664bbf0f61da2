"""Find the main site's real tables: names, columns, types. Nothing is assumed or guessed.

Better-Auth's adapters lay out the same data differently (measured, better-auth 1.7.25): Kysely and
Prisma use camelCase columns, Drizzle snake_case; times are `timestamptz` or a naive `timestamp` in
UTC; ids are text, uuid or integers. One catalog query for each table settles it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from onboarding.betterauth.suggestions import assignments, tables_to_set

TIMESTAMPTZ, TIMESTAMP = "timestamp with time zone", "timestamp without time zone"
_WHOLE_NUMBERS = ("smallint", "integer", "bigint")
# The types of ids to which a foreign key needs a column of the same type.
_KEY_TYPES = ("text", "character varying", "citext", "uuid", *_WHOLE_NUMBERS)


@dataclass(frozen=True)
class _Kind:
    """What a field may be in the database: `name` for messages, `admits` for a column's type.

    `admits` gets the type without its length, or the one under a domain, and PostgreSQL's category of
    it (pg_type.typcategory).
    """

    name: str
    admits: Callable[[str, str], bool]


# Category S is text of any sort: text, varchar, char(n), citext.
_TEXT = _Kind("text", lambda kind, category: category == "S")
_ID = _Kind(
    "text, uuid, smallint, integer or bigint",
    lambda kind, category: category == "S" or kind in ("uuid", *_WHOLE_NUMBERS),
)
_TIME = _Kind(f"{TIMESTAMPTZ} or {TIMESTAMP}", lambda kind, _: kind in (TIMESTAMPTZ, TIMESTAMP))
# The admin plugin's first releases kept milliseconds.
_BAN_END = _Kind(
    f"{TIMESTAMPTZ}, {TIMESTAMP} or a number",
    lambda kind, category: category == "N" or kind in (TIMESTAMPTZ, TIMESTAMP),
)
_BOOLEAN = _Kind("boolean", lambda kind, _: kind == "boolean")

# The fields that are read, under Better-Auth's own names. The optional ones belong to the admin and
# anonymous plugins.
_USER = {"id": _ID, "name": _TEXT, "email": _TEXT}
_USER_OPTIONAL = {"banned": _BOOLEAN, "banExpires": _BAN_END, "isAnonymous": _BOOLEAN}
_SESSION = {"token": _TEXT, "userId": _ID, "expiresAt": _TIME}
_SESSION_OPTIONAL = {"impersonatedBy": _ID}
USER_FIELDS = (*_USER, *_USER_OPTIONAL)
SESSION_FIELDS = (*_SESSION, *_SESSION_OPTIONAL)
OPTIONAL_FIELDS = (*_USER_OPTIONAL, *_SESSION_OPTIONAL)

# Columns that an ORM's map was seen to give to an optional field, which no option of Better-Auth names.
# Overlooking one would let a guest or a banned user in.
OTHER_SPELLINGS = {
    "isAnonymous": ("anonymous",),
    "banned": ("is_banned", "isBanned"),
    "banExpires": ("ban_expires_at", "banExpiresAt", "banned_until", "bannedUntil"),
    "impersonatedBy": ("impersonator_id", "impersonatorId"),
}

_COLUMNS = text("""
    SELECT CAST(n.nspname AS text), CAST(c.relname AS text), c.relkind, CAST(a.attname AS text),
           format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL),
           t.typcategory
    FROM pg_attribute a
    JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.oid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
""")
_VIEWS = ("v", "m")


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
    (its `user.fields` and `session.fields`), or "" for a field that it doesn't have. The other columns
    are discovered.
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

    @property
    def id_type(self) -> str:
        """The type of a column that refers to `id`: text for a domain or char(n)."""
        return self.types["id"] if self.types["id"] in _KEY_TYPES else "text"

    def has(self, field_name: str) -> bool:
        """Return whether the table has a column for this field of Better-Auth's."""
        return field_name in self.columns


@dataclass(frozen=True)
class Layout:
    """The main site's tables as they are."""

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
    hint = (
        "check that DATABASE_URL is the main site's database and that the main site's own migrations "
        "have run"
    )
    return _Search("USER", names.user, names.user_columns, _USER, _USER_OPTIONAL).find(
        connection, names.schema, hint
    )


def find_session_table(connection: Connection, names: TableNames) -> Table:
    """Return the session table alone. Raise `SchemaError`."""
    hint = (
        "a main site with a secondary storage has none unless it sets session.storeSessionInDatabase; "
        "SESSION_SOURCE=http needs none"
    )
    return _Search(
        "SESSION", names.session, names.session_columns, _SESSION, _SESSION_OPTIONAL
    ).find(connection, names.schema, hint)


def column_types(connection: Connection, quoted_name: str) -> dict[str, str]:
    """Return the type of each column of a table by its name; empty if there is no such table."""
    return {row[3]: row[4] for row in connection.execute(_COLUMNS, {"table": quoted_name})}


@dataclass(frozen=True)
class _Search:
    """What is looked for: `word` is the part of the settings' names, USER or SESSION."""

    word: str
    name: str
    renamed: Mapping[str, str]
    required: Mapping[str, _Kind]
    optional: Mapping[str, _Kind]

    def find(self, connection: Connection, schema: str, hint: str) -> Table:
        table = quoted(schema, self.name) if schema else quoted(self.name)
        rows = [tuple(row) for row in connection.execute(_COLUMNS, {"table": table})]
        if not rows:
            where = f"in schema {schema}" if schema else "on the connection's search_path"
            raise SchemaError(
                f"table {self.name} was not found {where}",
                f"{tables_to_set(connection, self.word)}; {hint}",
            )
        (found_in, found_name, relkind, *_) = rows[0]
        if relkind in _VIEWS and self.word == "USER":
            raise SchemaError(
                f"{found_in}.{found_name} is a view, and no foreign key can refer to one",
                tables_to_set(connection, self.word),
            )
        return self._table(found_in, found_name, {row[3]: (row[4], row[5]) for row in rows})

    def _table(self, schema: str, name: str, types: Mapping[str, tuple[str, str]]) -> Table:
        columns: dict[str, str] = {}
        missing, misfits = [], []
        for field_name, kind in {**self.required, **self.optional}.items():
            candidates = self._candidates(field_name)
            column = next((one for one in candidates if one in types), None)
            if column is None:
                # An optional field that was renamed in the settings is required as well: overlooking a
                # ban would let somebody in.
                if field_name in self.required or self.renamed.get(field_name):
                    missing.append(field_name)
            elif kind.admits(*types[column]):
                columns[field_name] = column
            elif field_name in self.required or column not in OTHER_SPELLINGS.get(field_name, ()):
                misfits.append(
                    f"column {name}.{column} is of type {types[column][0]}; "
                    f"this app reads {kind.name}"
                )
        if missing:
            raise SchemaError(
                f"table {name} has no column {' and '.join(' or '.join(self._candidates(one)) for one in missing)}",
                self._assignments(missing, columns, types),
            )
        if misfits:
            raise SchemaError("; ".join(misfits))
        return Table(schema, name, columns, {one: types[columns[one]][0] for one in columns})

    def _assignments(
        self,
        missing: list[str],
        columns: Mapping[str, str],
        types: Mapping[str, tuple[str, str]],
    ) -> str:
        kinds = {**self.required, **self.optional}
        unread = {one: kind for one, kind in types.items() if one not in columns.values()}
        return assignments(
            f"BETTER_AUTH_{self.word}_FIELDS",
            {one: column for one, column in self.renamed.items() if one not in missing},
            {
                field_name: [one for one, kind in unread.items() if kinds[field_name].admits(*kind)]
                for field_name in missing
            },
        )

    def _candidates(self, field_name: str) -> tuple[str, ...]:
        if field_name in self.renamed:
            return tuple(filter(None, (self.renamed[field_name],)))
        spellings = (field_name, _snake_case(field_name), *OTHER_SPELLINGS.get(field_name, ()))
        return tuple(dict.fromkeys(spellings))


def _snake_case(field_name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", field_name).lower()
