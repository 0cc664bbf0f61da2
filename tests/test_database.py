"""The way to the database: what is tried again, what ends in time, what an error means."""

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from devstack.postgres import Postgres
from devstack.processes import free_port
from onboarding.database import Database, SchemaMismatch, Unavailable
from onboarding.database_url import parse_database_url
from onboarding.deadline import time_limit
from tests.faults.proxy import Message, Proxy, Side, Verdict, let_pass, stall_all
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    return server.create_database("connections")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with open_database(engine_url(url), pool_size=2) as database:
        yield database


@pytest.fixture
def proxy(server: Postgres) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


def through(proxy: Proxy, url: str) -> URL:
    plain = {"sslmode": "disable", "gssencmode": "disable"}
    return engine_url(url).set(port=proxy.port).update_query_dict(plain)


def scalar(database: Database, statement: str) -> object:
    return database.read(lambda connection: connection.exec_driver_sql(statement).scalar())


def read(database: Database) -> object:
    return scalar(database, "SELECT 7")


def write(database: Database) -> object:
    return database.write(lambda connection: connection.exec_driver_sql("SELECT 7").scalar())


# How much longer than its budget anything may take on a busy machine. What has no limit takes longer.
SLACK_S = 3


@contextmanager
def takes(budget_s: float) -> Iterator[None]:
    """Assert that the block takes its budget and no more."""
    began = time.monotonic()
    yield
    assert 0.7 * budget_s < time.monotonic() - began < budget_s + SLACK_S


read_and_write = pytest.mark.parametrize("ask", [read, write])


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


def test_work_is_its_statement_and_nothing_else(server, database):
    scalar(database, "SELECT 0")
    before = server.log_size()
    assert scalar(database, "SELECT 1") == 1
    assert server.statements("onboarding", after=before) == ["SELECT 1"]


def test_each_statement_commits_by_itself_and_failed_work_gives_its_connection_back(url):
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE committed (n int)")
        connection.exec_driver_sql("INSERT INTO committed VALUES (1)")
        raise LookupError

    with open_database(engine_url(url), pool_size=1) as database:
        with pytest.raises(LookupError):
            database.read(work)
        for _ in range(3):
            with pytest.raises(IntegrityError):
                scalar(database, raising("23514"))
        assert scalar(database, "SELECT count(*) FROM committed") == 1


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


# By SQLSTATE (PostgreSQL's appendix A): what the caller sees, and whether the work is done again.
REFUSALS = {
    "57P01 admin_shutdown": (Unavailable, True),
    "57014 query_canceled": (Unavailable, False),
    "55P03 lock_not_available": (Unavailable, True),
    "40001 serialization_failure": (Unavailable, True),
    "53300 too_many_connections": (Unavailable, True),
    "53100 disk_full": (Unavailable, False),
    "08P01 protocol_violation": (Unavailable, True),
    "25P03 idle_in_transaction_session_timeout": (Unavailable, True),
    "25006 read_only_sql_transaction": (Unavailable, True),
    "42P01 undefined_table": (SchemaMismatch, False),
    "42703 undefined_column": (SchemaMismatch, False),
    "42501 insufficient_privilege": (SchemaMismatch, False),
    "23503 foreign_key_violation": (IntegrityError, False),
    "23514 check_violation": (IntegrityError, False),
    "42601 syntax_error": (ProgrammingError, False),
    "22P02 invalid_text_representation": (DataError, False),
}


def raising(sqlstate: str) -> str:
    return (
        "DO $$ BEGIN RAISE EXCEPTION USING"
        f" ERRCODE = '{sqlstate}', MESSAGE = 'the first line', DETAIL = 'Key (token)=(hush)';"
        " END $$"
    )


@pytest.mark.parametrize(("state", "outcome"), REFUSALS.items(), ids=REFUSALS)
def test_each_refusal_has_one_meaning_and_what_passes_by_itself_is_tried_again(
    database, state, outcome
):
    (kind, is_tried_again), sqlstate = outcome, state.split()[0]
    with pytest.raises(kind) as refusal:
        database.once(lambda connection: connection.exec_driver_sql(raising(sqlstate)))
    assert type(refusal.value) is kind
    if issubclass(kind, Unavailable):
        assert f"{sqlstate}: the first line" in str(refusal.value)
        assert "\n" not in str(refusal.value)
        assert "hush" not in "".join(traceback.format_exception(refusal.value))

    pids: list[object] = []

    def work(connection: Connection) -> object:
        pids.append(connection.scalar(text("SELECT pg_backend_pid()")))
        return connection.scalar(text(raising(sqlstate) if len(pids) == 1 else "SELECT 7"))

    if is_tried_again:
        assert database.read(work) == 7
        # Where the connection itself is of no use any more, another one is taken.
        assert pids[0] != pids[1] or sqlstate not in ("25006", "25P03")
    else:
        with pytest.raises(kind):
            database.read(work)


def test_no_error_holds_a_value_or_a_password(server, database):
    token = "-".join(("a", "session", "token"))
    with pytest.raises(ProgrammingError) as error:
        database.read(lambda one: one.exec_driver_sql("SELEKT %(token)s", {"token": token}))
    assert token not in "".join(traceback.format_exception(error.value))
    wrong = make_url(server.url()).set(password="wr0ng-pa55word").render_as_string(False)
    with open_database(engine_url(wrong)) as locked_out:
        with pytest.raises(Unavailable, match="password authentication failed") as refusal:
            locked_out.once(lambda connection: connection.exec_driver_sql("SELECT 1"))
        text = "".join(traceback.format_exception(refusal.value)) + repr(locked_out.engine)
    assert "wr0ng-pa55word" not in text


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


def test_of_several_hosts_the_one_that_answers_is_used(server):
    user, _, rest = server.url().rpartition("@")
    several = f"{user}@127.0.0.1:{free_port()},{rest}"
    with open_database(parse_database_url(several)) as database:
        assert read(database) == 7


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


def test_an_answer_that_comes_too_late_costs_one_connection_and_not_the_pool(url):
    with open_database(engine_url(url), 3) as database:
        before = connections(database, 3)
        with time_limit(0.6), pytest.raises(Unavailable, match="no answer in time"):
            scalar(database, "SELECT pg_sleep(3)")
        read(database)
        assert len(connections(database, 3) & before) == 2


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
