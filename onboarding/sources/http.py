"""Identities from the main site's own word, asked over HTTP; the profile from our own table."""

import logging

from sqlalchemy import Connection, select
from sqlalchemy.exc import DataError

from onboarding.betterauth.get_session import GetSession, MainSiteSilent
from onboarding.betterauth.schema import SchemaMisfit, TableNames, find_user_table
from onboarding.database import Database, SchemaChanged
from onboarding.identity import SIGNED_OUT, Identity, MainSiteUnavailable
from onboarding.profiles.model import PROFILE_COLUMNS, USER_PROFILE, Profile, profile_of
from onboarding.profiles.schema import misfits
from onboarding.resilience import Within, seconds_left

log = logging.getLogger(__name__)


class MainSite:
    """Turns a forwarded cookie into an `Identity` (see `identity.Identities`).

    One question to the main site for a visitor and cache time, one query for the profile.
    """

    def __init__(self, get_session: GetSession, database: Database, tables: TableNames) -> None:
        self._get_session = get_session
        self._database = database
        self._tables = tables

    def of(self, session_token: str | None) -> Identity:
        """Give the identity behind ``token.signature``; neither question nor query without one.

        Raises `MainSiteUnavailable` when the main site doesn't answer plainly.
        """
        if session_token is None:
            return SIGNED_OUT
        try:
            user = self._get_session.signed_in(session_token)
        except MainSiteSilent as silent:
            raise MainSiteUnavailable(str(silent), silent.retry_after_s) from None
        if user is None:
            return SIGNED_OUT
        return Identity(user, self._profile(user.user_id), session_token)

    def check(self) -> list[str]:
        """Hold our table against what we need, and ask the main site as nobody."""

        def work(connection: Connection) -> list[str]:
            user = find_user_table(connection, self._tables)
            return misfits(connection, user.types["id"])

        try:
            # Half of what is left, and the rest for the other, which is farther away: whoever hangs
            # leaves time to hear of the other.
            with Within(seconds_left() / 2):
                faults = self._database.run(work)
        except (SchemaChanged, SchemaMisfit) as misfit:
            faults = [str(misfit)]
        try:
            self._get_session.check()
        except MainSiteSilent as silent:
            # Its address may be a secret of the network's, and what is found here is told to anybody.
            log.warning("the main site does not tell who is signed in: %s", silent)
            faults.append("the main site does not tell who is signed in")
        return faults

    def _profile(self, user_id: str) -> Profile | None:
        query = select(*PROFILE_COLUMNS).where(USER_PROFILE.c.user_id == user_id)
        try:
            row = self._database.run(lambda connection: connection.execute(query).one_or_none())
        except DataError:
            # "abc" where user_profile.user_id is an integer: this isn't that main site's database.
            raise SchemaChanged("the main site's user ids don't fit user_profile") from None
        return None if row is None else profile_of(row)
