"""For each questionnaire a schema with Better-Auth's tables and `user_profile`."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from devstack.postgres import Postgres
from onboarding.database import Database
from onboarding.profiles import ProfileStore
from onboarding.questions import Questionnaire
from tests.betterauth.layouts import CAMEL
from tests.questionnaires import ALL, DEFAULT, create_profile_table
from tests.schemas import Schema, ScratchDatabase, create_scratch_database, open_database

# For what doesn't depend on the questions, or is made by a migration.
default_only = pytest.mark.parametrize("questionnaire", ["default"], indirect=True)

_numbers = count()


@pytest.fixture(scope="session")
def profiles_database(server: Postgres) -> Iterator[ScratchDatabase]:
    with create_scratch_database(server, "profiles") as database:
        yield database


@pytest.fixture(scope="session", params=ALL)
def questionnaire(request: pytest.FixtureRequest) -> Questionnaire:
    return ALL[request.param]


@pytest.fixture(scope="session")
def schema(profiles_database: ScratchDatabase, questionnaire: Questionnaire) -> Schema:
    schema = profiles_database.create_schema(f"profiles_{next(_numbers)}", CAMEL.ddl())
    if questionnaire is DEFAULT:
        schema.migrate()
    else:
        create_profile_table(schema.owner, questionnaire)
    return schema


@pytest.fixture(scope="session")
def database(schema: Schema) -> Iterator[Database]:
    with open_database(schema.engine_url(), pool_size=2) as database:
        yield database


@pytest.fixture(scope="session")
def store(database: Database, questionnaire: Questionnaire) -> ProfileStore:
    return ProfileStore(database, questionnaire)


@pytest.fixture
def new_user(schema: Schema) -> Callable[[], str]:
    """Create a user without a profile; return their id."""
    return lambda: CAMEL.sign_in(schema)[0]
