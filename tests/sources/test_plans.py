"""What a look-up costs: the layout found once and quickly, then one statement, by index alone."""

# ruff: noqa: S608 - names of tables can't be bound, and these are our own

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import sql

from devstack.postgres import Postgres
from onboarding import create_app
from onboarding.config import Settings
from onboarding.identity import Standing
from onboarding.sources.tables import SharedTables
from tests.betterauth.layouts import CAMEL, RENAMED, SNAKE_NAIVE, Layout
from tests.conftest import Stage
from tests.places import Place, Places, divided, opened
from tests.visitor import Person, Visitor

NAIVE = "timestamp without time zone"
LAYOUTS = {
    "Kysely": CAMEL,
    "Prisma": Layout(time_type="timestamp(3) without time zone"),
    "Drizzle": SNAKE_NAIVE,
    "uuid": Layout(id_type="uuid"),
    "serial, plural": Layout(id_type="integer", user="users", session="sessions"),
    "bigint": Layout(id_type="bigint", time_type=NAIVE, snake_case=True),
    "varchar": Layout(id_type="character varying(36)"),
    "odd names": Layout(user='we"ird %s 100% :user', session="select"),
    "renamed": Layout(plugins=True, renamed=RENAMED),
    "plugins": Layout(plugins=True),
}
# Making a crowd takes its time: one is large. All ten were measured with 100,000 sessions: the
# same plans at the same costs.
CROWDS = {"Kysely": 100_000}
USUAL_CROWD = 2_000


@pytest.fixture(scope="module")
def places(server: Postgres) -> Iterator[Places]:
    with divided(server, "plans") as made:
        made.settle("first", CAMEL.ddl()).migrate()
        yield made


def crowded(places: Places, label: str) -> Place:
    """Give a main site of many people, all of them with a session and onboarded."""
    layout = LAYOUTS[label]
    place = places.settle(f"crowd_{list(LAYOUTS).index(label)}", layout.ddl())
    place.sql(
        layout.crowd(CROWDS.get(label, USUAL_CROWD)) + "CREATE TABLE user_profile"
        " (LIKE first.user_profile INCLUDING ALL);"
        f"ALTER TABLE user_profile ALTER user_id TYPE {layout.id_type}"
        f" USING CAST(user_id AS {layout.id_type});"
        "INSERT INTO user_profile SELECT id, 'Advanced', 'None', true FROM "
        + sql.Identifier(layout.user).as_string()
        + ";ANALYZE user_profile"
    )
    return place


def nodes(plan: dict) -> Iterator[dict]:
    """Give a plan's nodes, from the root down."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


@pytest.mark.parametrize("label", LAYOUTS)
def test_a_look_up_is_one_statement_and_three_looks_by_index(
    server: Postgres, places: Places, label: str
) -> None:
    place = crowded(places, label)
    with opened(place.engine_url()) as database:
        source = SharedTables(database, LAYOUTS[label].names)
        source.of("warm")
        before = server.log_size()
        assert source.of("crowd-7").standing is Standing.ONBOARDED
    (asked,) = server.statements("onboarding", after=before)
    with psycopg.connect(place.url()) as connection:
        connection.execute(f"PREPARE look AS {asked}")
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE look('crowd-7')"
        ((told,),) = connection.execute(explain).fetchall()
    plan = told[0]["Plan"]
    kinds = [node["Node Type"] for node in nodes(plan)]
    looks = [kind for kind in kinds if "Scan" in kind]
    assert len(looks) == 3, json.dumps(told)
    assert set(looks) <= {"Index Scan", "Index Only Scan"}, json.dumps(told)
    # Whatever the size: a few pages of each index, one of each table.
    assert plan["Total Cost"] < 30, json.dumps(told)
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 20, json.dumps(told)
    print(
        f"\n{label}: cost {plan['Total Cost']}, {told[0]['Execution Time']} ms,"
        f" {plan['Shared Hit Blocks'] + plan['Shared Read Blocks']} pages"
    )


def catalog_queries(statements: list[str]) -> int:
    return sum("pg_namespace" in statement for statement in statements)


def test_an_app_looks_for_the_layout_once_by_two_queries(
    server: Postgres, stage: Stage, settings: Settings, ada: Person
) -> None:
    before = server.log_size()
    app = create_app(settings)
    try:
        with ThreadPoolExecutor(4) as pool:
            asked = pool.map(lambda _: Visitor(app, ada, {}).get("/onboarding/"), range(40))
            assert {answer.status_code for answer in asked} == {303}
    finally:
        app.extensions["onboarding"].database.engine.dispose()
    statements = server.statements("onboarding", after=before)
    assert catalog_queries(statements) == 2
    # One of the session statements is the look at the start, for nobody.
    assert sum("expires" in one.lower() and "FROM" in one for one in statements) == 41


def test_the_layout_is_found_in_less_than_20_ms(places: Places, server: Postgres) -> None:
    place = places.settle("found", CAMEL.ddl())
    place.sql("CREATE TABLE user_profile (LIKE first.user_profile INCLUDING ALL)")
    _, token = CAMEL.sign_in(place)

    def seconds(source: SharedTables) -> float:
        start = time.perf_counter()
        assert source.of(token).standing is Standing.NOT_ONBOARDED
        return time.perf_counter() - start

    with opened(place.engine_url()) as database:
        database.run(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        before = server.log_size()
        sources = [SharedTables(database, CAMEL.names) for _ in range(8)]
        first = min(map(seconds, sources))
        second = min(map(seconds, sources))
        assert catalog_queries(server.statements("onboarding", after=before)) == 2 * len(sources)
    # The first look-up of a source, its own SELECT included.
    assert first < 0.020
    assert second < first
    print(f"\nfound and looked up in {first * 1000:.1f} ms, looked up in {second * 1000:.1f} ms")
