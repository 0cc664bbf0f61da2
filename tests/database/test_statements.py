"""What is sent for a piece of work, and how long it stays prepared."""

import pytest

from tests.database.statements import scalar
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow


def test_work_is_its_statement_and_nothing_else(server, database):
    scalar(database, "SELECT 0")
    before = server.log_size()
    assert scalar(database, "SELECT 1") == 1
    assert server.statements("onboarding", after=before) == ["SELECT 1"]


def test_where_prepared_statements_get_lost_every_read_is_answered(url):
    """As behind a transaction pooler that doesn't know them: the next one lands elsewhere."""
    with open_database(engine_url(url)) as database:

        def rows() -> list[tuple]:
            return database.rows("SELECT %(n)s::int", {"n": 7})

        for _ in range(10):
            rows()
        database.read(lambda one: one.exec_driver_sql("DEALLOCATE ALL"))
        assert [rows() for _ in range(10)] == [[(7,)]] * 10


def test_a_read_survives_another_type_of_its_column(url):
    with open_database(engine_url(url)) as database, open_database(engine_url(url)) as other:
        other.read(lambda one: one.exec_driver_sql("CREATE TABLE retyped AS SELECT 1 AS n"))
        read = "SELECT n FROM retyped WHERE %(yes)s::boolean"
        for _ in range(10):
            assert database.rows(read, {"yes": True}) == [(1,)]
        other.read(lambda one: one.exec_driver_sql("ALTER TABLE retyped ALTER n TYPE text"))
        assert database.rows(read, {"yes": True}) == [("1",)]
