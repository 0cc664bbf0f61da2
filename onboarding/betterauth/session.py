"""The SELECT that turns a verified session token into a signed-in person. It never writes.

Extending, ending and cleaning up sessions is the main site's own business: a reader that touched
them would fight Better-Auth's refresh (better-auth 1.7.25, measured).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
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

from onboarding.betterauth.schema import Layout, Table


@dataclass(frozen=True)
class SignedIn:
    """A person with a live session. `user_id` is the id as text, whatever the column's type.

    `banned`: barred by the admin plugin, now. `anonymous`: a placeholder account of the anonymous
    plugin, without a person behind it yet. `impersonated`: an administrator looks through this
    person's eyes.
    """

    user_id: str
    name: str
    email: str
    banned: bool
    anonymous: bool
    impersonated: bool


# The first columns of the SELECT, in the order of SignedIn's fields.
SIGNED_IN_COLUMNS = 6


def select_signed_in(layout: Layout) -> tuple[Select[*tuple[Any, ...]], ColumnElement[Any]]:
    """Give the SELECT for the bound parameter `token`, and the user id's column to join on.

    It has one row for a live session of an existing user, else none. A session is live until its
    expiry has passed, by the database's clock; naive columns hold UTC (measured for Drizzle in any
    time zone), so the connection's time zone plays no part.
    """
    user, session = _clause(layout.user), _clause(layout.session)
    user_column, session_column = _columns(layout.user, user), _columns(layout.session, session)
    statement = (
        select(
            cast(user_column["id"], Text),
            user_column["name"],
            user_column["email"],
            _is_banned(layout.user, user_column),
            user_column["isAnonymous"] if layout.user.has("isAnonymous") else null(),
            (
                session_column["impersonatedBy"].is_not(None)
                if layout.session.has("impersonatedBy")
                else null()
            ),
        )
        .select_from(session.join(user, user_column["id"] == session_column["userId"]))
        .where(
            session_column["token"] == bindparam("token", type_=Text),
            session_column["expiresAt"] >= _now(layout.session, "expiresAt"),
        )
    )
    return statement, user_column["id"]


def signed_in(row: Sequence[Any]) -> SignedIn:
    """Read the first `SIGNED_IN_COLUMNS` of a row of `select_signed_in`."""
    user_id, name, email, *flags = row[:SIGNED_IN_COLUMNS]
    banned, anonymous, impersonated = (flag is True for flag in flags)
    return SignedIn(str(user_id), name or "", email or "", banned, anonymous, impersonated)


def _is_banned(user: Table, column: dict[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Better-Auth asks this when a session is made and never again; we ask at every request."""
    if not user.has("banned"):
        return null()
    if not user.has("banExpires"):
        return column["banned"]
    lasts = func.coalesce(column["banExpires"] >= _now(user, "banExpires"), true())
    return and_(column["banned"], lasts)


def _clause(found: Table) -> TableClause:
    # Lightweight constructs, in no MetaData: migrations can never see Better-Auth's tables.
    return table(
        found.name, *(column(name) for name in found.columns.values()), schema=found.schema
    )


def _columns(found: Table, clause: TableClause) -> dict[str, ColumnElement[Any]]:
    return {field: clause.c[name] for field, name in found.columns.items()}


def _now(found: Table, field: str) -> ColumnElement[Any]:
    if found.types[field] == "timestamp with time zone":
        return func.now()
    # A literal: the token is the one parameter of the SELECT.
    return func.timezone(literal_column("'utc'"), func.now())
