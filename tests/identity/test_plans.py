"""What a look-up costs: one statement, answered from indexes."""

# ruff: noqa: S608 - names of tables can't be bound, and these are our own

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from onboarding.identity import Standing, TableIdentities
from onboarding.profiles import ProfileStore
from tests.betterauth.layouts import Layout
from tests.questionnaires import DEFAULT, some_answers
from tests.schemas import create_scratch_database, open_database

LAYOUTS = {
    "plugins": Layout(plugins=True),
    "serial": Layout(id_type="integer", user="users", session="sessions"),
}
CROWD = 2_000


def nodes(plan: dict) -> Iterator[dict]:
    """Return a plan's nodes, from the root down."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("label", LAYOUTS)
def test_a_look_up_is_one_statement_and_three_index_scans(server, label):
    layout = LAYOUTS[label]
    with create_scratch_database(server, f"plans_{label}") as scratch:
        schema = scratch.create_schema("crowd", layout.ddl())
        schema.migrate(BETTER_AUTH_USER_TABLE=layout.user, BETTER_AUTH_SESSION_TABLE=layout.session)
        values = ", ".join(sql.Literal(value).as_string() for value in some_answers().values())
        schema.sql(
            f"{layout.crowd(CROWD)}"
            f"INSERT INTO user_profile (user_id, {', '.join(DEFAULT.names)}, is_onboarded)"
            f" SELECT id, {values}, true FROM {sql.Identifier(layout.user).as_string()};"
            "ANALYZE user_profile"
        )
        with open_database(schema.engine_url()) as database:
            store = ProfileStore(database, DEFAULT)
            identities = TableIdentities(database, layout.names, store)
            identities.identify("warm")
            before = server.log_size()
            assert identities.identify("crowd-7").standing is Standing.ONBOARDED
        (statement,) = server.statements("onboarding", after=before)
        with psycopg.connect(schema.url()) as connection:
            connection.execute(f"PREPARE look AS {statement}")
            explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE look('crowd-7')"
            ((plan,),) = connection.execute(explain).fetchall()
    scans = [node["Node Type"] for node in nodes(plan[0]["Plan"]) if "Scan" in node["Node Type"]]
    assert len(scans) == 3, json.dumps(plan)
    assert set(scans) <= {"Index Scan", "Index Only Scan"}, json.dumps(plan)
    root = plan[0]["Plan"]
    assert root["Shared Hit Blocks"] + root["Shared Read Blocks"] < 20, json.dumps(plan)
