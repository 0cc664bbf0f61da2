"""A place with Better-Auth's tables and our migrated one, for the rules in Python and in SQL."""

from collections.abc import Callable, Iterator

import pytest

from devstack.postgres import Postgres
from onboarding.database import Database
from tests.betterauth.layouts import CAMEL
from tests.places import Place, Places, divided, opened


@pytest.fixture(scope="session")
def profile_places(server: Postgres) -> Iterator[Places]:
    with divided(server, "profiles") as made:
        yield made


@pytest.fixture(scope="session")
def place(profile_places: Places) -> Place:
    place = profile_places.settle("migrated", CAMEL.ddl())
    place.migrate()
    return place


@pytest.fixture(scope="session")
def database(place: Place) -> Iterator[Database]:
    with opened(place.engine_url(), pool_size=2) as made:
        yield made


@pytest.fixture
def new_user(place: Place) -> Callable[[], str]:
    """Make somebody without a profile; gives their id."""

    def new_user() -> str:
        [(user_id,)] = place.sql(
            """
            INSERT INTO "user" (name, email)
            VALUES ('Ada', CAST(gen_random_uuid() AS text)) RETURNING id
            """
        )
        return str(user_id)

    return new_user
