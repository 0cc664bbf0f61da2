"""Who is signed in by the tables of a main site, and what no error may hold."""

import traceback

from onboarding.database import Database
from onboarding.identity import TableIdentities
from onboarding.profiles import ProfileStore
from tests.betterauth.layouts import Layout
from tests.questionnaires import DEFAULT

NAIVE = "timestamp without time zone"
KYSELY, DRIZZLE = Layout(plugins=True), Layout(plugins=True, time_type=NAIVE, snake_case=True)


def identities_of(database: Database, layout: Layout = KYSELY, **more: object) -> TableIdentities:
    return TableIdentities(database, layout.names, ProfileStore(database, DEFAULT), **more)


def assert_holds_nothing_of(error: BaseException, *hidden: str) -> None:
    text = "".join(traceback.format_exception(error)) + repr(error)
    assert [value for value in hidden if value in text] == []
