"""Identities from the main site itself, over HTTP; profiles from our own table."""

import logging
from math import inf

from sqlalchemy import Connection

from onboarding.betterauth.get_session import GetSession, MainSiteError
from onboarding.betterauth.schema import SchemaError, TableNames, find_user_table
from onboarding.database import Database, SchemaMismatch
from onboarding.deadline import WaitingLimit, seconds_left, time_limit
from onboarding.identity.visitor import SESSION_ENDED, SIGNED_OUT, Identity, MainSiteUnavailable
from onboarding.profiles import ProfileStore
from onboarding.profiles.schema import problems

log = logging.getLogger(__name__)

# For a whole answer of the main site's.
TIMEOUT_S = 3


class MainSiteIdentities:
    """The `IdentitySource` for main sites that keep their sessions or their secret to themselves.

    One request to the main site for each visitor and cache time, one query for the profile.
    """

    def __init__(
        self,
        get_session: GetSession,
        database: Database,
        tables: TableNames,
        profiles: ProfileStore,
        max_waiting: float = inf,
    ) -> None:
        self._get_session = get_session
        self._database = database
        self._tables = tables
        self._profiles = profiles
        self._limit = WaitingLimit("the main site", max_waiting)

    def identify(self, session_token: str | None) -> Identity:
        """Return the identity for the cookie's content; without it, read neither site nor database.

        Raise `MainSiteUnavailable` unless the main site's answer is clear.
        """
        if session_token is None:
            return SIGNED_OUT
        try:
            user = self._limit.run(
                TIMEOUT_S, lambda: self._get_session.signed_in(session_token, seconds_left())
            )
        except MainSiteError as error:
            raise MainSiteUnavailable(str(error), error.retry_after_s) from None
        except TimeoutError as error:
            raise MainSiteUnavailable(str(error)) from None
        if user is None:
            return SESSION_ENDED
        return Identity(user, self._profiles.find(user.user_id), session_token)

    def problems(self) -> list[str]:
        """Compare our table with what the app needs, and call the main site without a cookie."""

        def work(connection: Connection) -> list[str]:
            user = find_user_table(connection, self._tables)
            found = problems(connection, self._profiles.questionnaire, user.id_type)
            return list(map(str, found))

        try:
            # Half of the time, so that a silent database leaves some for the main site.
            with time_limit(seconds_left() / 2):
                lines = self._database.read(work)
        except (SchemaMismatch, SchemaError) as error:
            lines = [str(error)]
        try:
            self._get_session.check(min(TIMEOUT_S, seconds_left()))
        except MainSiteError as error:
            # The answer is public, and the main site's address may be a secret of the network.
            log.warning("the main site does not answer who is signed in: %s", error)
            lines.append("the main site does not answer who is signed in")
        return lines
