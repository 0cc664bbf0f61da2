"""Statements for a database, and how long they take."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import URL, Connection

from onboarding.database import Database
from tests.faults.proxy import Proxy
from tests.schemas import engine_url


def through(proxy: Proxy, url: str) -> URL:
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    return engine_url(url).set(port=proxy.port).update_query_dict(plain)


def scalar(database: Database, statement: str) -> object:
    return database.read(lambda connection: connection.exec_driver_sql(statement).scalar())


def read(database: Database) -> object:
    return scalar(database, "SELECT 7")


def write(database: Database) -> object:
    return database.write(lambda connection: connection.exec_driver_sql("SELECT 7").scalar())


read_and_write = pytest.mark.parametrize("ask", [read, write])


# How much longer than its budget anything may take on a busy machine. What has no limit takes longer.
SLACK_S = 3


@contextmanager
def takes(budget_s: float) -> Iterator[None]:
    """Assert that the block takes its budget and no more."""
    began = time.monotonic()
    yield
    assert 0.7 * budget_s < time.monotonic() - began < budget_s + SLACK_S


def connections(database: Database, count: int) -> set[object]:
    """Use `count` connections at once; return the process ids of their backends."""
    together, pids = threading.Barrier(count), set()

    def work(connection: Connection) -> None:
        together.wait(10)
        pids.add(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())

    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(database.read, work) for _ in range(count)]:
            done.result()
    return pids
