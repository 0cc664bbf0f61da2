"""The main site's tables change under the running app: told loudly, never a sign-out, no restart."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask

from devstack.postgres import Postgres
from onboarding import create_app
from onboarding.config import Settings
from onboarding.sources.tables import LAYOUT_LASTS_S
from tests.betterauth.layouts import CAMEL
from tests.places import Place, Places, divided
from tests.visitor import Person, Visitor, newcomer, page

# The columns of better-auth 1.7.25 that a newcomer's rows fill beside those that we read.
BESIDE = """
    ALTER TABLE "user" ADD COLUMN "emailVerified" boolean;
    ALTER TABLE session ADD COLUMN "updatedAt" timestamptz;
"""
TRIGGER = """
    SELECT pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgname = 'user_profile_is_final' AND tgrelid = to_regclass('first.user_profile')
"""
QUESTION = "/onboarding/python-proficiency"


@dataclass(frozen=True)
class Home:
    """A running app, the main site's tables, and somebody who has answered half."""

    place: Place
    app: Flask
    ada: Person

    def get(self, path: str) -> tuple[int, str]:
        answer = Visitor(self.app, self.ada, {}).get(path)
        return answer.status_code, answer.headers.get("Location") or answer.text

    def ready(self) -> tuple[int, list[str]]:
        answer = Visitor(self.app, None, {}).get("/readyz")
        return answer.status_code, answer.get_json()["faults"]


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "drifts") as made:
        made.settle("first", CAMEL.ddl()).migrate()
        yield made


@pytest.fixture
def home(places: Places, settings: Settings) -> Iterator[Home]:
    place = places.settle(f"home_{secrets.token_hex(4)}", CAMEL.ddl() + BESIDE)
    # As the migration makes it: `LIKE` leaves out the key and the trigger, which /readyz asks for.
    place.sql("""
        CREATE TABLE user_profile (LIKE first.user_profile INCLUDING ALL);
        ALTER TABLE user_profile ADD FOREIGN KEY (user_id) REFERENCES "user" (id) ON DELETE CASCADE;
    """)
    ((trigger,),) = places.owner.execute(TRIGGER).fetchall()
    place.sql(
        trigger.replace("ON first.", "ON ").replace(
            "user_profile_is_final()", "first.user_profile_is_final()"
        )
    )
    # In a zone of its own, so that a time without zone taken for a local one shows.
    url = place.engine_url(timezone="America/New_York")
    database = replace(settings.database, url=url)
    app = create_app(replace(settings, database=database))
    yield Home(place, app, newcomer(place.url(), settings.session_cookie))
    app.extensions["onboarding"].database.engine.dispose()


# The column, what it is renamed to, and what is said of it.
UNREADABLE = {
    "the expiry": ("session", "expiresAt", "valid_until", "no column expiresAt or expires_at"),
    "the user's id": ("session", "userId", "owner", "no column userId or user_id"),
    "the token": ("session", "token", "secret", "no column token"),
    "the name": ("user", "name", "fullname", "no column name"),
}


@pytest.mark.parametrize(("table", "column", "other", "said"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_column_renamed_under_us_is_an_outage_with_its_reason_and_over_when_it_is_back(
    home: Home, caplog: pytest.LogCaptureFixture, table: str, column: str, other: str, said: str
) -> None:
    assert home.ready() == (200, [])
    assert home.get(QUESTION)[0] == 200
    home.place.sql(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO "{other}"')
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            status, text = home.get(QUESTION)
        assert status == 503
        assert "We cannot reach your profile right now" in text
        loud = [record for record in caplog.records if record.levelno >= logging.ERROR]
        # One that says what is wrong with the schema, one that the page's reference leads to.
        assert ["status" in vars(record) for record in loud] == [False, True]
        assert f"schema does not fit: table {table} has {said}" in loud[0].getMessage()
        assert home.ada.token not in caplog.text
        assert said not in text
    status, (fault,) = home.ready()
    assert status == 503
    assert f"table {table} has {said}" in fault
    home.place.sql(f'ALTER TABLE "{table}" RENAME COLUMN "{other}" TO "{column}"')
    assert home.get(QUESTION)[0] == 200
    assert home.ready() == (200, [])


@pytest.mark.parametrize(("column", "other"), [("expiresAt", "expires_at"), ("userId", "user_id")])
def test_a_column_renamed_to_another_name_that_can_be_read_is_followed_at_once(
    home: Home, caplog: pytest.LogCaptureFixture, column: str, other: str
) -> None:
    assert home.get(QUESTION)[0] == 200
    home.place.sql(f'ALTER TABLE session RENAME COLUMN "{column}" TO "{other}"')
    for _ in range(2):
        assert home.get(QUESTION)[0] == 200
    assert home.ready() == (200, [])
    (told,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "the main site's schema has changed" in told.getMessage()
    home.place.sql("DELETE FROM session")
    assert home.get(QUESTION)[0] == 303


def test_a_form_sent_while_a_column_is_away_is_kept_and_can_be_sent_again(home: Home) -> None:
    window = Visitor(home.app, home.ada, {})
    home.place.sql('ALTER TABLE session RENAME COLUMN "expiresAt" TO valid_until')
    refused = window.post(QUESTION, {"python_proficiency": "Advanced"})
    assert refused.status_code == 503
    assert "Advanced" in str(page(refused).form)
    home.place.sql('ALTER TABLE session RENAME COLUMN valid_until TO "expiresAt"')
    again = window.post(QUESTION, {"python_proficiency": "Advanced"})
    assert again.headers["Location"].startswith("/onboarding/developer-role")


def test_a_changed_type_is_an_outage_too(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    assert home.get(QUESTION)[0] == 200
    home.place.sql('ALTER TABLE session ALTER "expiresAt" TYPE bigint USING 4102444800000')
    assert home.get(QUESTION)[0] == 503
    assert "column session.expiresAt is of type bigint" in caplog.text
    assert home.ready()[0] == 503


@pytest.fixture
def pass_time(home: Home, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let so much time pass that the layout is looked for anew."""
    identities = home.app.extensions["onboarding"].identities
    passed = [0.0]
    monkeypatch.setattr(identities, "_clock", lambda: time.monotonic() + passed[0])

    def pass_time() -> None:
        passed[0] += LAYOUT_LASTS_S

    return pass_time


def test_times_that_lose_their_zone_are_followed_and_stay_right(
    home: Home, pass_time: Callable[[], None]
) -> None:
    assert home.get(QUESTION)[0] == 200
    home.place.sql("""
        SET timezone = 'UTC';
        ALTER TABLE session ALTER "expiresAt" TYPE timestamp;
        RESET timezone
    """)
    # PostgreSQL compares both kinds of times without an error, in the connection's zone.
    pass_time()
    assert home.get(QUESTION)[0] == 200
    home.place.sql(
        """UPDATE session SET "expiresAt" = timezone('utc', now()) - interval '1 second'"""
    )
    assert home.get(QUESTION)[0] == 303


PLUGINS = """
    ALTER TABLE "user" ADD banned boolean, ADD "banExpires" timestamptz, ADD "isAnonymous" boolean;
    ALTER TABLE session ADD "impersonatedBy" text;
"""


def test_a_plugin_that_comes_while_we_run_counts_soon(
    home: Home, pass_time: Callable[[], None]
) -> None:
    assert home.get(QUESTION)[0] == 200
    home.place.sql(PLUGINS)
    home.place.sql('UPDATE "user" SET banned = true')
    pass_time()
    status, location = home.get(QUESTION)
    assert (status, "reason=banned" in location) == (303, True)


@pytest.mark.parametrize(
    ("table", "column"),
    [("user", "banned"), ("user", "isAnonymous"), ("session", "impersonatedBy")],
)
def test_a_plugins_column_that_goes_is_an_outage_and_no_pardon(
    home: Home, pass_time: Callable[[], None], caplog: pytest.LogCaptureFixture, table, column
) -> None:
    home.place.sql(PLUGINS)
    pass_time()
    assert home.get(QUESTION)[0] == 200
    home.place.sql(f'ALTER TABLE "{table}" RENAME COLUMN "{column}" TO elsewhere')
    for _ in range(2):
        assert home.get(QUESTION)[0] == 503
    assert f"the column of {table}.{column} is gone" in caplog.text
    assert home.ready()[0] == 503
    home.place.sql(f'ALTER TABLE "{table}" RENAME COLUMN elsewhere TO "{column}"')
    assert home.get(QUESTION)[0] == 200
    assert home.ready() == (200, [])
