"""Identities from the main site's session and user tables, joined with the profiles in one SELECT."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from onboarding.betterauth.row_security import READING, row_security
from onboarding.betterauth.schema import Layout, SchemaError, TableNames, discover
from onboarding.betterauth.session import SIGNED_IN_COLUMNS, select_signed_in, signed_in
from onboarding.database import Database, SchemaMismatch
from onboarding.identity.visitor import SESSION_ENDED, SIGNED_OUT, Identity
from onboarding.profiles import ProfileStore
from onboarding.profiles.schema import MISSING_TABLE, exists, problems

log = logging.getLogger(__name__)

# A plugin's columns may be added, and a column may change its type, without any error of the SELECT.
LAYOUT_LIFETIME_S = 30


@dataclass(frozen=True)
class _Lookup:
    """The main site's layout, the SELECT compiled for it, and when to look again."""

    layout: Layout
    sql: str
    until: float


class TableIdentities:
    """The `IdentitySource` for main sites whose tables and secret are shared.

    The main site's layout is looked up at the first request and kept for a while. If the database says
    that it no longer fits, it is looked up again at once, so that a fixed schema needs no restart.
    """

    def __init__(
        self,
        database: Database,
        tables: TableNames,
        profiles: ProfileStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._tables = tables
        self._profiles = profiles
        self._clock = clock
        self._found: _Lookup | None = None
        self._discovering = Lock()
        self._known_columns: frozenset[str] = frozenset()

    def identify(self, session_token: str | None) -> Identity:
        """Return the identity for a verified token by one query, without a token by none.

        Raise `SchemaMismatch` if the tables don't fit.
        """
        if session_token is None:
            return SIGNED_OUT
        rows = self._rows(session_token)
        if not rows:
            return SESSION_ENDED
        # Better-Auth makes the token UNIQUE. Where it isn't, nobody can say whose it is.
        [row] = rows
        profile = self._profiles.profile_from(row[SIGNED_IN_COLUMNS:])
        return Identity(signed_in(row), profile, session_token)

    def problems(self) -> list[str]:
        """Compare both sides' tables with what the app needs, and try the SELECT itself."""

        def work(connection: Connection) -> list[str]:
            found = self._discover(connection)
            user_id_type = found.layout.user.id_type
            lines = [
                str(problem)
                for problem in problems(connection, self._profiles.questionnaire, user_id_type)
            ]
            if not lines:
                # It needs rights that no catalog query shows.
                connection.exec_driver_sql(found.sql, {"token": ""})
            return lines

        try:
            return self._database.read(work)
        except SchemaMismatch as mismatch:
            return [str(mismatch)]

    def _rows(self, token: str) -> Sequence[Sequence[Any]]:
        kept = self._found
        try:
            try:
                return self._select(token)
            except SchemaMismatch as mismatch:
                if kept is None:
                    raise
                # The main site has migrated meanwhile, perhaps to another layout that fits.
                log.warning("the main site's schema has changed: %s", mismatch)
                self._found = None
                return self._select(token)
        except SchemaMismatch as mismatch:
            self._found = None
            log.error("the main site's schema does not fit: %s", mismatch)
            raise

    def _select(self, token: str) -> Sequence[Sequence[Any]]:
        found = self._found
        if found is None:
            found = self._database.read(self._discover)
        elif self._clock() >= found.until and self._discovering.acquire(blocking=False):
            # One request looks again; the others go on with what was found before.
            try:
                found = self._database.read(self._discover)
            finally:
                self._discovering.release()
        return self._database.rows(found.sql, {"token": token})

    def _discover(self, connection: Connection) -> _Lookup:
        try:
            layout = discover(connection, self._tables)
        except SchemaError as error:
            raise SchemaMismatch(str(error)) from None
        # A table of that name further along the search_path would be read instead.
        if not exists(connection):
            raise SchemaMismatch(str(MISSING_TABLE))
        for table in layout:
            # Otherwise everybody would seem to be signed out.
            if row_security(connection, table.quoted_name, READING) == "hidden":
                raise SchemaMismatch(
                    f"row-level security hides every row of {table.name} from this role"
                )
        self._refuse_missing_columns(layout)
        user, user_id = select_signed_in(layout)
        profile = self._profiles.table
        statement = user.add_columns(*self._profiles.columns).outerjoin_from(
            user.get_final_froms()[0], profile, profile.c.user_id == user_id
        )
        sql = str(statement.compile(dialect=connection.dialect))
        self._found = _Lookup(layout, sql, self._clock() + LAYOUT_LIFETIME_S)
        return self._found

    def _refuse_missing_columns(self, layout: Layout) -> None:
        """Raise `SchemaMismatch` if a column is gone: without its column a ban would have no effect."""
        columns = {f"{table.name}.{field}" for table in layout for field in table.columns}
        lost = self._known_columns - columns
        if lost:
            raise SchemaMismatch(
                f"the column of {', '.join(sorted(lost))} is gone; if the main site gave up a plugin, "
                "restart the app"
            )
        self._known_columns |= columns
