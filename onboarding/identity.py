"""Who is this, and are they onboarded? The one place where sessions and profiles meet.

One autocommit SELECT answers both: session ⋈ user ⟕ user_profile, three unique-index look-ups.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import Connection

from onboarding.betterauth.schema import Layout, SchemaMisfit, TableNames, discover
from onboarding.betterauth.session import (
    SIGNED_IN_COLUMNS,
    SignedIn,
    select_signed_in,
    signed_in,
)
from onboarding.database import Database, SchemaChanged
from onboarding.profiles.model import PROFILE_COLUMNS, Profile, UserProfile, profile_of
from onboarding.profiles.schema import misfits

log = logging.getLogger(__name__)


class Standing(Enum):
    """Where a visitor stands, as far as any door is concerned."""

    SIGNED_OUT = "signed out"
    ANONYMOUS = "signed in without an account"
    NOT_ONBOARDED = "not onboarded"
    ONBOARDED = "onboarded"


@dataclass(frozen=True)
class Identity:
    """A visitor at one request: the person, their profile, and the token that proved it."""

    user: SignedIn | None = None
    profile: Profile | None = None
    session_token: str | None = field(default=None, repr=False)

    @property
    def standing(self) -> Standing:
        """Where this visitor stands."""
        if self.user is None:
            return Standing.SIGNED_OUT
        if self.user.anonymous:
            return Standing.ANONYMOUS
        if self.profile is not None and self.profile.is_onboarded:
            return Standing.ONBOARDED
        return Standing.NOT_ONBOARDED


SIGNED_OUT = Identity()


@dataclass(frozen=True)
class _Found:
    """The main site's layout, and the SELECT compiled for it once."""

    layout: Layout
    sql: str


class Identities:
    """Turns a verified session token into an `Identity`.

    The main site's layout is found at the first need and kept; when the database says that it no
    longer fits, it is looked for anew at the next need, so a mended schema needs no restart.
    """

    def __init__(self, database: Database, tables: TableNames) -> None:
        self._database = database
        self._tables = tables
        self._found: _Found | None = None

    def of(self, session_token: str | None) -> Identity:
        """Give the identity behind a token, `SIGNED_OUT` for none; one query, none without token.

        Raises `Unavailable` when the database doesn't answer, `SchemaChanged` when its tables
        don't fit. Never "signed out" in their place.
        """
        if session_token is None:
            return SIGNED_OUT

        def work(connection: Connection) -> Sequence[Any] | None:
            found = self._found or self._look(connection)
            return connection.exec_driver_sql(found.sql, {"token": session_token}).one_or_none()

        try:
            row = self._database.run(work)
        except SchemaChanged as changed:
            self._found = None
            log.error("the main site's schema does not fit: %s", changed)
            raise
        if row is None:
            return SIGNED_OUT
        return Identity(signed_in(row), profile_of(row[SIGNED_IN_COLUMNS:]), session_token)

    def check(self) -> list[str]:
        """Give what keeps the app from working with this database, a line each; [] when it fits.

        Raises `Unavailable` when the database doesn't answer.
        """

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

    def _look(self, connection: Connection) -> _Found:
        try:
            layout = discover(connection, self._tables)
        except SchemaMisfit as misfit:
            raise SchemaChanged(str(misfit)) from None
        signed_in_user, user_id = select_signed_in(layout)
        statement = signed_in_user.add_columns(*PROFILE_COLUMNS).outerjoin_from(
            signed_in_user.get_final_froms()[0], UserProfile, UserProfile.user_id == user_id
        )
        compiled = statement.compile(dialect=connection.dialect)
        self._found = _Found(layout, str(compiled))
        return self._found
