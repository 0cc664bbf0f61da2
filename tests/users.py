"""Users of the main site: their rows, and the session cookie that their browser sends."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from onboarding.betterauth.cookie import SessionCookie
from tests import secret_scan


@dataclass(frozen=True)
class User:
    """A user of the main site with a session; `cookie` is their Cookie header."""

    id: str
    name: str
    email: str
    password: str
    cookie: str = field(repr=False)
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        secret_scan.register(self.token, self.id)


def create_user(database_url: str, cookie: SessionCookie, **more: Any) -> User:
    """Sign a user up as `insert_user` does, over a connection of its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return insert_user(connection, cookie, **more)


def insert_user(
    connection: psycopg.Connection,
    cookie: SessionCookie,
    *,
    user: dict[str, object] | None = None,
    session: dict[str, object] | None = None,
    lifetime: timedelta = timedelta(days=7),
) -> User:
    """Sign a user up by SQL: insert the rows and make the cookie that better-auth 1.7.25 makes.

    `user` and `session` are values of further columns of these tables.
    """
    user_id, token = secrets.token_hex(16), secrets.token_hex(16)
    created = User(
        user_id,
        "Ada Lovelace",
        f"{user_id}@example.test",
        "",
        f"{cookie.name}={token}.{quote(cookie.sign(token))}",
        token,
    )
    now = datetime.now(UTC)
    rows = {
        "user": {
            "id": user_id,
            "name": created.name,
            "email": created.email,
            "emailVerified": False,
        },
        "session": {
            "id": secrets.token_hex(16),
            "token": token,
            "userId": user_id,
            "expiresAt": now + lifetime,
            "updatedAt": now,
        },
    }
    for table, more in (("user", user), ("session", session)):
        row = rows[table] | (more or {})
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
        connection.execute(insert)
    return created
