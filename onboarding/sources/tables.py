"""Identities from the shared tables: the main site's sessions and users, beside our profiles.

One autocommit SELECT answers all: session ⋈ user ⟕ user_profile, three unique-index look-ups.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from onboarding.betterauth.schema import Layout, SchemaMisfit, TableNames, discover
from onboarding.betterauth.session import (
    SIGNED_IN_COLUMNS,
    select_signed_in,
    signed_in,
)
from onboarding.database import Database, SchemaChanged
from onboarding.identity import SIGNED_OUT, Identity
from onboarding.profiles.model import PROFILE_COLUMNS, USER_PROFILE, profile_of
from onboarding.profiles.schema import misfits

log = logging.getLogger(__name__)


# A plugin's columns may come, and a column may change its type, without any error of the SELECT. While
# one request looks anew, the others go on with what was found before: for a moment more, no longer than
# a read may take.
LAYOUT_LASTS_S = 30


@dataclass(frozen=True)
class _Found:
    """The main site's layout, the SELECT compiled for it once, and when to look anew."""

    layout: Layout
    sql: str
    until: float


class SharedTables:
    """Turns a verified session token into an `Identity` (see `identity.Identities`).

    The main site's layout is found at the first need and kept for a while. When the database says
    that it no longer fits, it is looked for at once, so a mended schema needs no restart.
    """

    def __init__(
        self,
        database: Database,
        tables: TableNames,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._tables = tables
        self._clock = clock
        self._found: _Found | None = None
        self._looking = Lock()
        self._seen: frozenset[str] = frozenset()

    def of(self, session_token: str | None) -> Identity:
        """Give the identity behind a verified token; one query, none without a token.

        Raises `SchemaChanged` when the tables don't fit.
        """
        if session_token is None:
            return SIGNED_OUT
        rows = self._rows(session_token)
        if not rows:
            return SIGNED_OUT
        # Better-Auth makes the token UNIQUE. Where it isn't, nobody can say whose it is.
        [row] = rows
        return Identity(signed_in(row), profile_of(row[SIGNED_IN_COLUMNS:]), session_token)

    def check(self) -> list[str]:
        """Hold both sides' tables against what we need, and try the look-up's rights."""

        def work(connection: Connection) -> list[str]:
            found = self._look(connection)
            faults = misfits(connection, found.layout.user.types["id"])
            if not faults:
                # The look-up itself, for nobody: it needs rights that no catalog query shows.
                connection.exec_driver_sql(found.sql, {"token": ""})
            return faults

        try:
            return self._database.run(work)
        except SchemaChanged as changed:
            return [str(changed)]

    def _rows(self, token: str) -> list[tuple[Any, ...]]:
        kept = self._found
        try:
            try:
                return self._look_up(token)
            except SchemaChanged as changed:
                if kept is None:
                    raise
                # The main site has migrated under us: perhaps to another layout that we can read.
                log.warning("the main site's schema has changed: %s", changed)
                self._found = None
                return self._look_up(token)
        except SchemaChanged as changed:
            self._found = None
            log.error("the main site's schema does not fit: %s", changed)
            raise

    def _look_up(self, token: str) -> list[tuple[Any, ...]]:
        found = self._found
        if found is None:
            found = self._database.run(self._look)
        elif self._clock() >= found.until and self._looking.acquire(blocking=False):
            try:
                found = self._database.run(self._look)
            finally:
                self._looking.release()
        return self._database.rows(found.sql, {"token": token})

    def _look(self, connection: Connection) -> _Found:
        try:
            layout = discover(connection, self._tables)
        except SchemaMisfit as misfit:
            raise SchemaChanged(str(misfit)) from None
        self._miss_nothing(layout)
        signed_in_user, user_id = select_signed_in(layout)
        statement = signed_in_user.add_columns(*PROFILE_COLUMNS).outerjoin_from(
            signed_in_user.get_final_froms()[0], USER_PROFILE, USER_PROFILE.c.user_id == user_id
        )
        compiled = statement.compile(dialect=connection.dialect)
        self._found = _Found(layout, str(compiled), self._clock() + LAYOUT_LASTS_S)
        return self._found

    def _miss_nothing(self, layout: Layout) -> None:
        """Refuse a layout that lacks a column which was there before.

        Without its column a ban would count for nothing, and nobody would notice.
        """
        columns = {f"{table.name}.{field}" for table in layout for field in table.columns}
        gone = self._seen - columns
        if gone:
            raise SchemaChanged(
                f"the column of {', '.join(sorted(gone))} is gone; if the main site gave up a "
                "plugin, restart the app"
            )
        self._seen |= columns
