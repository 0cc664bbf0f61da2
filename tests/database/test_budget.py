"""A database that does not answer costs the budget and no more."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from onboarding.database import Unavailable
from onboarding.deadline import time_limit
from tests.database.statements import (
    connections,
    read,
    read_and_write,
    scalar,
    takes,
    through,
    write,
)
from tests.faults.proxy import let_pass, stall_all
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1,127.0.0.1,127.0.0.1"])
def test_a_server_that_never_answers_is_unavailable_within_the_budget(host):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ports = ",".join(str(port) for _ in host.split(","))
        with (
            open_database(
                engine_url(f"postgres://u:p@/site?host={host}&port={ports}"), read_budget_s=0.6
            ) as database,
            takes(0.6),
            pytest.raises(Unavailable, match="no answer in time"),
        ):
            scalar(database, "SELECT 1")


@read_and_write
def test_a_frozen_server_costs_the_budget_and_no_more(proxy, url, ask):
    with open_database(through(proxy, url), 2, read_budget_s=1, write_budget_s=1) as database:
        assert ask(database) == 7
        proxy.follow(stall_all)
        with takes(1), pytest.raises(Unavailable, match="no answer in time"):
            ask(database)
        proxy.follow(let_pass)
        # Nobody gets the late answer on the abandoned connection.
        assert [ask(database) for _ in range(3)] == [7, 7, 7]


def test_a_save_that_waits_for_a_lock_is_given_up_in_the_server_too(server, url):
    with (
        open_database(engine_url(url), write_budget_s=1) as database,
        psycopg.connect(url) as holder,
    ):
        database.read(lambda one: one.exec_driver_sql("CREATE TABLE IF NOT EXISTS held (n int)"))
        holder.execute("LOCK TABLE held")
        with takes(1), pytest.raises(Unavailable, match="no answer in time"):
            database.write(lambda one: one.exec_driver_sql("INSERT INTO held VALUES (1)"))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        with open_database(engine_url(server.url())) as other:
            until = time.monotonic() + 10
            while scalar(other, waiting) and time.monotonic() < until:
                time.sleep(0.02)
            assert scalar(other, waiting) == 0
        holder.rollback()
        assert scalar(database, "SELECT count(*) FROM held") == 0


def test_a_request_that_reads_and_then_saves_has_one_deadline(proxy, url):
    with open_database(through(proxy, url), read_budget_s=5, write_budget_s=5) as database:
        assert read(database) == 7
        proxy.follow(stall_all)
        with takes(1), time_limit(1):
            for ask, reason in ((read, "no answer in time"), (write, "no time is left")):
                with pytest.raises(Unavailable, match=reason):
                    ask(database)


@read_and_write
def test_what_cannot_end_in_time_is_not_begun(server, url, ask):
    with open_database(engine_url(url)) as database:
        before_pids, before = connections(database, 1), server.log_size()
        with time_limit(0.05), pytest.raises(Unavailable, match="no time is left"):
            ask(database)
        assert server.statements("onboarding", after=before) == []
        assert connections(database, 1) == before_pids


def test_impatient_requests_are_no_outage(proxy, url):
    """Probes that allow a second, while a database wakes up in three, cost nobody their answer."""
    with open_database(through(proxy, url)) as database:
        assert read(database) == 7
        proxy.follow(stall_all)
        for _ in range(4):
            with time_limit(0.2), pytest.raises(Unavailable):
                read(database)
        wakes = threading.Timer(0.3, proxy.follow, [let_pass])
        wakes.start()
        assert read(database) == 7
        wakes.join()


def test_a_crowd_before_a_database_that_answers_is_served(url):
    with (
        open_database(engine_url(url), 5, read_budget_s=30, max_waiting=10) as database,
        ThreadPoolExecutor(40) as threads,
    ):
        answers = [threads.submit(scalar, database, "SELECT pg_sleep(0.15)") for _ in range(40)]
    assert [one.exception() for one in answers] == [None] * 40


def test_while_the_database_is_frozen_some_wait_and_the_others_are_refused_at_once(proxy, url):
    def refusal(_: int) -> str:
        with pytest.raises(Unavailable) as error:
            read(database)
        return str(error.value)

    with open_database(through(proxy, url), 3, read_budget_s=1, max_waiting=6) as database:
        assert read(database) == 7
        proxy.follow(stall_all)
        with ThreadPoolExecutor(8) as threads:
            first, second = (list(threads.map(refusal, range(8))) for _ in range(2))
        # At first nobody knows that it is silent: all wait. Then there are two more than may wait.
        assert sum("others wait for it already" in one for one in first) == 0
        assert sum("others wait for it already" in one for one in second) == 2
        proxy.follow(let_pass)
        assert read(database) == 7
