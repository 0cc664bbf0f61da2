"""Connections that were dropped, silently or not, and hosts that do not answer."""

import threading
import time
from collections.abc import Callable

import pytest

from devstack.processes import free_port
from onboarding.database import Unavailable
from onboarding.database_url import parse_database_url
from onboarding.deadline import time_limit
from tests.database.statements import connections, read, scalar, through
from tests.faults.proxy import Message, Side, Verdict
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow


def test_all_connections_of_the_pool_may_have_been_dropped(server, url):
    with (
        open_database(engine_url(url), 5) as database,
        open_database(engine_url(server.url())) as other,
    ):
        dropped = connections(database, 5)
        for pid in dropped:
            assert scalar(other, f"SELECT pg_terminate_backend({pid}, 10000)") is True
        assert scalar(database, "SELECT pg_backend_pid()") not in dropped
        assert not connections(database, 5) & dropped


def test_of_several_hosts_the_one_that_answers_is_used(server):
    user, _, rest = server.url().rpartition("@")
    several = f"{user}@127.0.0.1:{free_port()},{rest}"
    with open_database(parse_database_url(several)) as database:
        assert read(database) == 7


def test_connections_that_died_silently_leave_time_for_a_new_one(proxy, url):
    with open_database(through(proxy, url), 3, read_budget_s=4) as database:
        connections(database, 3)
        proxy.follow(old_connections_are_dead())
        assert read(database) == 7
        started = time.monotonic()
        connections(database, 3)
        # Another dead one would have cost half of the budget.
        assert time.monotonic() - started < 1.9


def old_connections_are_dead() -> Callable[[Message], Verdict]:
    """Hold what comes on connections that were open before; let new ones pass."""
    new_threads = set()  # the proxy has one for each connection

    def rule(message: Message) -> Verdict:
        if message.kind == "startup":
            new_threads.add(threading.get_ident())
        is_new = message.sender is Side.SERVER or threading.get_ident() in new_threads
        return Verdict.PASS if is_new else Verdict.STALL

    return rule


def test_an_answer_that_comes_too_late_costs_one_connection_and_not_the_pool(url):
    with open_database(engine_url(url), 3) as database:
        before = connections(database, 3)
        with time_limit(0.6), pytest.raises(Unavailable, match="no answer in time"):
            scalar(database, "SELECT pg_sleep(3)")
        read(database)
        assert len(connections(database, 3) & before) == 2
