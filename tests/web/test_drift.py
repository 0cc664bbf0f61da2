"""The main site's tables change under the running app: told loudly, never a sign-out, no restart."""

import secrets
import time
from dataclasses import dataclass, field, replace

import pytest
from flask import Flask

from onboarding import create_app
from onboarding.identity.from_tables import LAYOUT_LIFETIME_S, TableIdentities
from tests.betterauth.layouts import CAMEL, Layout
from tests.browser import Browser
from tests.questionnaires import DEFAULT, create_profile_table
from tests.schemas import Schema, create_scratch_database
from tests.users import User, create_user
from tests.web.conftest import UNREAD_COLUMNS


@dataclass(frozen=True)
class Home:
    """A running app, the main site's tables, and a user who hasn't answered yet."""

    schema: Schema
    app: Flask
    user: User
    passed: list[float] = field(default_factory=lambda: [0.0])
    """Seconds that the identity source's clock is ahead."""

    def pass_time(self) -> None:
        """Let so much time pass that the tables are looked at again."""
        self.passed[0] += LAYOUT_LIFETIME_S

    def get(self) -> tuple[int, str]:
        """Return the status of a page, and where it leads or what it shows."""
        response = Browser(self.app, self.user, {}).get(f"/onboarding/{DEFAULT.questions[0].slug}")
        return response.status_code, response.headers.get("Location") or response.text

    def ready(self) -> tuple[int, list[str]]:
        response = Browser(self.app, None, {}).get("/readyz")
        return response.status_code, response.json["faults"]


@pytest.fixture(scope="module")
def database(server):
    with create_scratch_database(server, "drifts") as database:
        yield database


@pytest.fixture
def home(database, settings):
    name = f"home_{secrets.token_hex(4)}"
    schema = database.create_schema(name, CAMEL.ddl() + UNREAD_COLUMNS)
    create_profile_table(database.owner, DEFAULT)
    # In a zone of its own, so that a time without zone taken for a local one shows.
    url = schema.engine_url(timezone="America/New_York")
    app = create_app(replace(settings, database_url=url))
    made = Home(schema, app, create_user(schema.url(), settings.session_cookie))
    services = app.extensions["onboarding"]
    sources = services.database, settings.tables, services.profiles
    identities = TableIdentities(*sources, clock=lambda: time.monotonic() + made.passed[0])
    app.extensions["onboarding"] = replace(services, identities=identities)
    yield made
    app.extensions["onboarding"].database.engine.dispose()


def test_times_that_lose_their_zone_are_followed_and_stay_right(home):
    assert home.get()[0] == 200
    home.schema.sql("""
        SET timezone = 'UTC';
        ALTER TABLE session ALTER "expiresAt" TYPE timestamp;
        RESET timezone
    """)
    # PostgreSQL compares both kinds of times without an error, in the connection's zone.
    home.pass_time()
    assert home.get()[0] == 200
    past = """UPDATE session SET "expiresAt" = timezone('utc', now()) - interval '1 second'"""
    home.schema.sql(past)
    assert home.get()[0] == 303


@pytest.mark.parametrize(
    ("table", "column"),
    [("user", "banned"), ("user", "isAnonymous"), ("session", "impersonatedBy")],
)
def test_a_plugin_that_comes_counts_soon_and_its_end_is_an_outage_and_no_pardon(
    home, caplog, table, column
):
    assert home.get()[0] == 200
    home.schema.sql(Layout(plugins=True).ddl().removeprefix(CAMEL.ddl()))
    home.schema.sql('UPDATE "user" SET banned = true')
    home.pass_time()
    assert "reason=banned" in home.get()[1]
    home.schema.sql(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO elsewhere')
    for _ in range(2):
        assert home.get()[0] == 503
    assert f"the column of {table}.{column} is gone" in caplog.text
    assert home.ready()[0] == 503
    home.schema.sql(f'ALTER TABLE "{table}" RENAME COLUMN elsewhere TO "{column}"')
    assert "reason=banned" in home.get()[1]
    assert home.ready() == (200, [])
