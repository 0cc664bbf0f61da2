"""The SELECT that turns a verified session token into a signed-in user. It never writes.

Extending, ending and cleaning up sessions is up to the main site: a reader that touched them would
conflict with Better-Auth's refresh (better-auth 1.7.25, measured).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    null,
    select,
    table,
    true,
)
from sqlalchemy.sql.selectable import TableClause
from sqlalchemy.types import TypeEngine

from onboarding.betterauth.schema import TIMESTAMP, TIMESTAMPTZ, Layout, Table


@dataclass(frozen=True)
class SignedIn:
    """A user with a live session. `user_id` is the id as text, whatever the column's type.

    `banned`: banned by the admin plugin at this moment. `anonymous`: a placeholder account of the
    anonymous plugin. `impersonated`: an administrator is using this user's account.
    """

    user_id: str
    name: str
    email: str
    banned: bool
    anonymous: bool
    impersonated: bool


_PLAIN_TEXT = {"text", "character varying"}
_WHOLE_NUMBERS = {"smallint", "integer", "bigint"}
# Literals: the token stays the only parameter of the SELECT.
_ID_PATTERNS: Mapping[str, tuple[ColumnElement[Any], type[TypeEngine[Any]]]] = {
    "uuid": (
        literal_column("'^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'"),
        Uuid,
    ),
    **dict.fromkeys(_WHOLE_NUMBERS, (literal_column("'^[0-9]{1,18}$'"), BigInteger)),
}
# The year 5138 in seconds, 1973 in milliseconds.
_LATEST_SECONDS: ColumnElement[Any] = literal_column("1e11")

# The first columns of the SELECT, in the order of SignedIn's fields.
SIGNED_IN_COLUMNS = 6


def select_signed_in(layout: Layout) -> tuple[Select[*tuple[Any, ...]], ColumnElement[Any]]:
    """Return the SELECT with the bound parameter `token`, and the user id's column to join on.

    It has one row for a live session of an existing user, else none. A session is live until its
    expiry by the database's clock. Naive columns hold UTC (measured for Drizzle in any time zone), so
    the connection's time zone doesn't matter.
    """
    user, session = _clause(layout.user), _clause(layout.session)
    user_columns, session_columns = _columns(layout.user, user), _columns(layout.session, session)
    is_anonymous = user_columns["isAnonymous"] if layout.user.has("isAnonymous") else null()
    is_impersonated = (
        session_columns["impersonatedBy"].is_not(None)
        if layout.session.has("impersonatedBy")
        else null()
    )
    statement = (
        select(
            cast(user_columns["id"], Text),
            *(_as_text(layout.user, user_columns, field) for field in ("name", "email")),
            _is_banned(layout.user, user_columns),
            is_anonymous,
            is_impersonated,
        )
        .select_from(session.join(user, user_columns["id"] == _user_id(layout, session_columns)))
        .where(
            session_columns["token"] == bindparam("token", type_=Text),
            session_columns["expiresAt"] >= _now(layout.session, "expiresAt"),
        )
    )
    return statement, user_columns["id"]


def signed_in(row: Sequence[Any]) -> SignedIn:
    """Return the user in the first `SIGNED_IN_COLUMNS` of a row of `select_signed_in`."""
    user_id, name, email, *flags = row[:SIGNED_IN_COLUMNS]
    banned, anonymous, impersonated = (flag is True for flag in flags)
    return SignedIn(str(user_id), name or "", email or "", banned, anonymous, impersonated)


def _is_banned(user: Table, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Better-Auth checks bans only when it creates a session; this app checks at every request."""
    if not user.has("banned"):
        return null()
    if not user.has("banExpires"):
        return columns["banned"]
    end = columns["banExpires"]
    if user.types["banExpires"] not in (TIMESTAMPTZ, TIMESTAMP):
        # Milliseconds, as JavaScript counts, or seconds: read as the other, a ban would be over.
        end = func.to_timestamp(
            case((end > _LATEST_SECONDS, end / literal_column("1000.0")), else_=end)
        )
    is_current = func.coalesce(end >= _now(user, "banExpires"), true())
    return and_(columns["banned"], is_current)


def _clause(found: Table) -> TableClause:
    # Lightweight constructs, in no MetaData: migrations can never see Better-Auth's tables.
    return table(
        found.name, *(column(name) for name in found.columns.values()), schema=found.schema
    )


def _columns(found: Table, clause: TableClause) -> dict[str, ColumnElement[Any]]:
    return {field: clause.c[name] for field, name in found.columns.items()}


def _now(found: Table, field: str) -> ColumnElement[Any]:
    if found.types[field] == TIMESTAMP:
        # A literal: the token stays the only parameter of the SELECT.
        return func.timezone(literal_column("'utc'"), func.now())
    return func.now()


def _as_text(
    found: Table, columns: Mapping[str, ColumnElement[Any]], field: str
) -> ColumnElement[Any]:
    """Return a column as text; psycopg knows no type of an extension, and char(n) is padded."""
    column = columns[field]
    return column if found.types[field] in _PLAIN_TEXT else cast(column, Text)


def _user_id(layout: Layout, columns: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return the session's user id in the type of the user's own, so that its index is used.

    Better-Auth never joins the tables, so nothing but a foreign key keeps the types alike.
    """
    own, other = layout.user.types["id"], layout.session.types["userId"]
    column = columns["userId"]
    if own == other or {own, other} <= _WHOLE_NUMBERS or {own, other} <= _PLAIN_TEXT:
        return column
    as_text = cast(column, Text)
    if own not in _ID_PATTERNS:
        return as_text
    # An id of another form is nobody's; the cast would fail.
    pattern, type_ = _ID_PATTERNS[own]
    return case((as_text.regexp_match(pattern), cast(as_text, type_)))
