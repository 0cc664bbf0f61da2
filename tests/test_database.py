"""The way to the database: one statement a transaction, and plain words when there is no answer."""

import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import URL, Connection, make_url, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from devstack.postgres import Postgres
from onboarding.database import Database, SchemaChanged, Unavailable
from onboarding.resilience import MOVING_S, Within
from tests.faults.proxy import Message, Proxy, Verdict, let_pass, stall_all
from tests.places import engine_url, opened


@pytest.fixture(scope="module")
def url(server: Postgres) -> str:
    return server.create_database("connections")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(engine_url(url), pool_size=2) as made:
        yield made


def scalar(database: Database, statement: str) -> object:
    return database.run(lambda connection: connection.exec_driver_sql(statement).scalar())


def test_a_piece_of_work_is_its_statement_and_nothing_else(
    server: Postgres, database: Database
) -> None:
    scalar(database, "SELECT 0")
    before = server.log_size()
    assert scalar(database, "SELECT 1") == 1
    assert server.statements("onboarding", after=before) == ["SELECT 1"]


def test_each_statement_stands_alone(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE kept (n int)")
        connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
        raise LookupError

    with pytest.raises(LookupError):
        database.run(work)
    assert scalar(database, "SELECT count(*) FROM kept") == 1


def test_connections_are_kept_and_used_again(database: Database) -> None:
    assert len({scalar(database, "SELECT pg_backend_pid()") for _ in range(10)}) == 1


def rows(database: Database, number: int = 7) -> list[tuple]:
    return database.rows("SELECT %(n)s::int, pg_backend_pid()", {"n": number})


def prepared(database: Database) -> list[str]:
    found = database.run(
        lambda one: one.exec_driver_sql("SELECT name FROM pg_prepared_statements").scalars().all()
    )
    return list(found)


def test_the_one_read_is_one_statement_and_prepared_at_its_first_use(
    server: Postgres, url: str
) -> None:
    with opened(engine_url(url)) as database:
        rows(database)
        before = server.log_size()
        assert [rows(database, number)[0][0] for number in (1, 2, 3)] == [1, 2, 3]
        assert len(server.statements("onboarding", after=before)) == 3
        [name] = prepared(database)
        # Of two statements that differ, none can stand for the other, on whatever backend.
        database.rows("SELECT %(n)s::int + 1", {"n": 1})
        names = prepared(database)
        assert len(set(names)) == 2
        assert name in names
        assert all(name.startswith("onboarding_") for name in names)


def test_the_one_read_need_not_be_prepared(url: str) -> None:
    with opened(engine_url(url), prepares=False) as database:
        assert rows(database)[0][0] == 7
        assert prepared(database) == []


def test_where_prepared_statements_get_lost_there_are_none_any_more(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As behind a transaction pooler that doesn't know them: the next one lands elsewhere."""
    with opened(engine_url(url)) as database:
        rows(database)
        database.run(
            lambda one: one.exec_driver_sql("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
        )
        assert rows(database)[0][0] == 7
        assert rows(database)[0][0] == 7
        assert prepared(database) == []
    assert caplog.text.count("can't keep prepared statements") == 1


def test_a_prepared_read_survives_another_type_of_its_column(url: str) -> None:
    with opened(engine_url(url)) as database, opened(engine_url(url)) as other:
        other.run(lambda one: one.exec_driver_sql("CREATE TABLE bent AS SELECT 1 AS n"))
        read = "SELECT n FROM bent WHERE %(yes)s::boolean"
        assert database.rows(read, {"yes": True}) == [(1,)]
        other.run(lambda one: one.exec_driver_sql("ALTER TABLE bent ALTER n TYPE text"))
        assert database.rows(read, {"yes": True}) == [("1",)]


def test_sqlalchemys_statements_are_never_prepared_and_tell_the_apps_name(
    database: Database,
) -> None:
    assert scalar(database, "SELECT current_setting('application_name')") == "onboarding"

    def work(connection: Connection) -> object:
        for _ in range(20):
            connection.exec_driver_sql("SELECT %(n)s::int", {"n": 1})
        return connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements").scalar()

    assert database.run(work) == 0


def test_what_the_work_gives_is_given(database: Database) -> None:
    answer = object()
    assert database.run(lambda connection: answer) is answer


def test_a_connection_dropped_in_the_pool_is_replaced_and_the_work_done_once_more(
    server: Postgres, database: Database
) -> None:
    dropped = scalar(database, "SELECT pg_backend_pid()")
    with opened(engine_url(server.url())) as other:
        assert scalar(other, f"SELECT pg_terminate_backend({dropped}, 10000)") is True
    tries = []

    def work(connection: Connection) -> object:
        tries.append(1)
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()

    assert database.run(work) != dropped
    assert len(tries) == 2


def connections(database: Database, count: int) -> set[object]:
    """Use so many connections at once; gives their backends."""
    together, pids = threading.Barrier(count), set()

    def work(connection: Connection) -> None:
        together.wait(10)
        pids.add(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())

    threads = [threading.Thread(target=database.run, args=[work]) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return pids


@pytest.mark.parametrize("way", ["rows", "run"])
def test_all_connections_of_the_pool_may_have_been_dropped_and_no_ping_finds_out(
    server: Postgres, url: str, way: str
) -> None:
    with opened(engine_url(url), 5) as database, opened(engine_url(server.url())) as other:
        dropped = connections(database, 5)
        assert len(dropped) == 5
        for pid in dropped:
            assert scalar(other, f"SELECT pg_terminate_backend({pid}, 10000)") is True
        before = server.log_size()
        if way == "rows":
            assert rows(database)[0][1] not in dropped
        else:
            assert scalar(database, "SELECT pg_backend_pid()") not in dropped
        # Of the first attempt nothing arrived, and the second was enough.
        assert len(server.statements("onboarding", after=before)) == 1
        assert not connections(database, 5) & dropped


def test_what_fails_again_and_again_is_unavailable_when_its_budget_is_spent(url: str) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with opened(engine_url(url), read_s=0.4) as database:
        started = time.monotonic()
        with pytest.raises(Unavailable, match=r"57P01|no answer in time"):
            database.run(work)
        assert time.monotonic() - started < 0.9
        assert len(tries) > 2
        assert scalar(database, "SELECT 1") == 1


# What PostgreSQL raises (its appendix A), and what the caller gets to see.
RAISED = {
    "57P01": Unavailable,  # admin_shutdown
    "57P03": Unavailable,  # cannot_connect_now
    "57014": Unavailable,  # query_canceled: statement_timeout
    "55P03": Unavailable,  # lock_not_available: lock_timeout
    "40001": Unavailable,  # serialization_failure
    "40P01": Unavailable,  # deadlock_detected
    "53300": Unavailable,  # too_many_connections
    "53100": Unavailable,  # disk_full
    "58030": Unavailable,  # io_error
    "08P01": Unavailable,  # protocol_violation: a pooler's words
    "25P03": Unavailable,  # idle_in_transaction_session_timeout
    "25006": Unavailable,  # read_only_sql_transaction: a failover
    "42P01": SchemaChanged,  # undefined_table
    "42703": SchemaChanged,  # undefined_column
    "3F000": SchemaChanged,  # invalid_schema_name
    "42501": SchemaChanged,  # insufficient_privilege
    "23001": IntegrityError,  # restrict_violation
    "23502": IntegrityError,  # not_null_violation
    "23503": IntegrityError,  # foreign_key_violation
    "23505": IntegrityError,  # unique_violation
    "23514": IntegrityError,  # check_violation
    "42601": ProgrammingError,  # syntax_error
    "42883": SchemaChanged,  # undefined_function
    "42804": SchemaChanged,  # datatype_mismatch
    "22P02": DataError,  # invalid_text_representation
}


@pytest.mark.parametrize(("sqlstate", "kind"), RAISED.items(), ids=RAISED)
def test_each_refusal_of_the_database_has_one_meaning(
    database: Database, sqlstate: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as refusal:
        database.once(lambda connection: connection.exec_driver_sql(_raising(sqlstate)))
    assert type(refusal.value) is kind
    assert scalar(database, "SELECT 1") == 1


# What passes by itself: the whole work is done again. Everything else comes once only.
PASSING = {"57P01", "57P03", "55P03", "40001", "40P01", "53300", "08P01", "25P03", "25006"}


@pytest.mark.parametrize("sqlstate", RAISED)
def test_what_passes_is_tried_again_and_nothing_else(database: Database, sqlstate: str) -> None:
    tries = []

    def work(connection: Connection) -> object:
        tries.append(1)
        return connection.scalar(text(_raising(sqlstate) if len(tries) == 1 else "SELECT 7"))

    if sqlstate in PASSING:
        assert database.run(work) == 7
        assert len(tries) == 2
    else:
        with pytest.raises(RAISED[sqlstate]):
            database.run(work)
        assert len(tries) == 1


@pytest.mark.parametrize("sqlstate", ["25006", "25P03"])
def test_a_connection_that_is_spoilt_is_replaced_and_the_work_done_again(
    database: Database, sqlstate: str
) -> None:
    pids: list[object] = []

    def work(connection: Connection) -> object:
        pids.append(connection.scalar(text("SELECT pg_backend_pid()")))
        return connection.scalar(text(_raising(sqlstate) if len(pids) == 1 else "SELECT 7"))

    assert database.run(work) == 7
    assert pids[0] != pids[1]


def _raising(sqlstate: str) -> str:
    return (
        "DO $$ BEGIN RAISE EXCEPTION USING"
        f" ERRCODE = '{sqlstate}', MESSAGE = 'the first line', DETAIL = 'Key (token)=(hush)';"
        " END $$"
    )


@pytest.mark.parametrize(
    "sqlstate", [state for state, kind in RAISED.items() if issubclass(kind, Unavailable)]
)
def test_a_refusal_tells_the_state_and_the_first_line_and_no_values(
    database: Database, sqlstate: str
) -> None:
    with pytest.raises(Unavailable) as refusal:
        database.once(lambda connection: connection.exec_driver_sql(_raising(sqlstate)))
    assert f"{sqlstate}: the first line" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "hush" not in "".join(traceback.format_exception(refusal.value))


def test_an_error_that_passes_through_hides_the_values(database: Database) -> None:
    token = "-".join(("a", "session", "token"))
    with pytest.raises(ProgrammingError) as error:
        database.run(
            lambda connection: connection.exec_driver_sql("SELEKT %(token)s", {"token": token})
        )
    assert token not in "".join(traceback.format_exception(error.value))


def test_a_wrong_password_is_unavailable_and_told_to_nobody(server: Postgres) -> None:
    wrong = "wr0ng-pa55word"
    url = make_url(server.url()).set(password=wrong)
    with opened(engine_url(url.render_as_string(hide_password=False))) as database:
        with pytest.raises(Unavailable, match="password authentication failed") as refusal:
            database.once(lambda connection: connection.exec_driver_sql("SELECT 1"))
        told = "".join(traceback.format_exception(refusal.value)) + repr(database.engine)
        assert wrong not in told


@pytest.mark.parametrize(
    "address",
    [
        "postgres://u:hush@127.0.0.1:1/site",
        "postgres:///site?host=/nowhere/at/all",
    ],
)
def test_an_address_where_nobody_answers_is_unavailable_within_the_budget(address: str) -> None:
    started = time.monotonic()
    with opened(engine_url(address), read_s=0.3) as database:
        with pytest.raises(Unavailable) as refusal:
            scalar(database, "SELECT 1")
        assert "hush" not in "".join(traceback.format_exception(refusal.value)).replace(address, "")
    assert time.monotonic() - started < 0.8


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1,127.0.0.1,127.0.0.1"])
def test_a_server_that_never_answers_is_unavailable_within_the_budget(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ports = ",".join(str(port) for _ in host.split(","))
        address = f"postgres://u:p@/site?host={host}&port={ports}"
        started = time.monotonic()
        with (
            opened(engine_url(address), read_s=0.6) as database,
            pytest.raises(Unavailable, match="no answer in time"),
        ):
            scalar(database, "SELECT 1")
        assert 0.5 < time.monotonic() - started < 1.1


def test_who_finds_no_room_is_told_at_once_and_who_waits_gets_their_turn(url: str) -> None:
    taken, done = threading.Event(), threading.Event()
    answers = []

    def keep(connection: Connection) -> None:
        taken.set()
        done.wait(10)

    with opened(engine_url(url), pool_size=1, room=2) as database:
        keeper = threading.Thread(target=database.run, args=(keep,))
        waiter = threading.Thread(target=lambda: answers.append(scalar(database, "SELECT 2")))
        keeper.start()
        taken.wait(10)
        waiter.start()
        # While somebody has just entered, another may leave any moment.
        time.sleep(MOVING_S + 0.1)
        for _ in range(5):
            started = time.monotonic()
            with pytest.raises(Unavailable, match="too many wait"):
                scalar(database, "SELECT 1")
            assert time.monotonic() - started < 0.1
        assert answers == []
        done.set()
        keeper.join(10)
        waiter.join(10)
        assert answers == [2]
        # A crowd is no outage.
        assert scalar(database, "SELECT 1") == 1


def test_a_crowd_before_a_database_that_answers_waits_for_room(url: str) -> None:
    with opened(engine_url(url), pool_size=1, room=2) as database:
        scalar(database, "SELECT 1")
        with ThreadPoolExecutor(30) as crowd:
            asked = [crowd.submit(scalar, database, "SELECT pg_sleep(0.01)") for _ in range(60)]
        assert [one.exception() for one in asked] == [None] * 60


def test_a_crowd_after_a_rest_is_refused_nobody(url: str) -> None:
    """No connection is open, and nobody has left for long."""
    with opened(engine_url(url), pool_size=2, room=2) as database, ThreadPoolExecutor(10) as crowd:
        asked = [crowd.submit(scalar, database, "SELECT pg_sleep(0.01)") for _ in range(10)]
    assert [one.exception() for one in asked] == [None] * 10


def test_a_crowd_that_finds_room_is_served_however_long_each_takes(url: str) -> None:
    """The room is that of 64 threads; in that of 32 some of them would wait at the door, in vain."""
    with opened(engine_url(url), pool_size=5, room=60) as database, ThreadPoolExecutor(40) as crowd:
        asked = [crowd.submit(scalar, database, "SELECT pg_sleep(0.15)") for _ in range(40)]
    assert [one.exception() for one in asked] == [None] * 40


@pytest.fixture
def proxy(server: Postgres) -> Iterator[Proxy]:
    with Proxy(server.port) as made:
        yield made


def through(proxy: Proxy, url: str) -> URL:
    return engine_url(url).set(port=proxy.port)


def hot(database: Database) -> object:
    return rows(database)[0][0]


def core(database: Database) -> object:
    return scalar(database, "SELECT 7")


def saved(database: Database) -> object:
    return database.save(lambda connection: connection.exec_driver_sql("SELECT 7").scalar())


@pytest.mark.parametrize("ask", [hot, core, saved])
def test_a_frozen_server_costs_the_budget_and_no_more(
    proxy: Proxy, url: str, ask: Callable[[Database], object]
) -> None:
    with opened(through(proxy, url), 2, read_s=0.4, write_s=0.4) as database:
        assert ask(database) == 7
        proxy.follow(stall_all)
        started = time.monotonic()
        with pytest.raises(Unavailable, match="no answer in time"):
            ask(database)
        assert 0.3 < time.monotonic() - started < 0.9
        proxy.follow(let_pass)
        # The late answer on the abandoned connection is nobody's.
        assert [ask(database) for _ in range(3)] == [7, 7, 7]


@pytest.mark.parametrize("ask", [hot, core])
def test_connections_that_died_without_a_word_leave_time_for_a_new_one(
    proxy: Proxy, url: str, ask: Callable[[Database], object]
) -> None:
    with opened(through(proxy, url), 3, read_s=1) as database:
        connections(database, 3)
        proxy.follow(the_old_are_dead())
        assert ask(database) == 7
        started = time.monotonic()
        assert ask(database) == 7
        assert time.monotonic() - started < 0.5


def the_old_are_dead() -> Callable[[Message], Verdict]:
    """Hold what comes on connections that were there before; a new one passes (one at a time)."""
    anew = []

    def rule(message: Message) -> Verdict:
        if message.kind == "startup":
            anew.append(message.number)
        passes = anew or message.kind in ("request", "refusal")
        return Verdict.PASS if passes else Verdict.STALL

    return rule


def test_a_save_that_waits_for_a_lock_is_given_up_in_the_server_too(
    server: Postgres, url: str
) -> None:
    with opened(engine_url(url), write_s=0.4) as database, psycopg.connect(url) as holder:
        database.run(lambda one: one.exec_driver_sql("CREATE TABLE IF NOT EXISTS held (n int)"))
        holder.execute("LOCK TABLE held")
        started = time.monotonic()
        with pytest.raises(Unavailable, match="no answer in time"):
            database.save(lambda one: one.exec_driver_sql("INSERT INTO held VALUES (1)"))
        assert time.monotonic() - started < 1.1
        with opened(engine_url(server.url())) as other:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            until = time.monotonic() + 2
            while scalar(other, waiting) and time.monotonic() < until:
                time.sleep(0.02)
            assert scalar(other, waiting) == 0
        holder.rollback()
        assert scalar(database, "SELECT count(*) FROM held") == 0


def test_a_lock_that_is_given_back_in_time_costs_no_answer(url: str) -> None:
    with opened(engine_url(url), write_s=3) as database, psycopg.connect(url) as holder:
        database.run(lambda one: one.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept_up (n int)"))
        holder.execute("LOCK TABLE kept_up")
        release = threading.Timer(0.2, holder.rollback)
        release.start()
        database.save(lambda one: one.exec_driver_sql("INSERT INTO kept_up VALUES (1)"))
        release.join()
        assert scalar(database, "SELECT count(*) FROM kept_up") == 1


@pytest.mark.parametrize(
    ("setting", "once"), [("statement_timeout", True), ("lock_timeout", False)]
)
def test_what_was_too_slow_is_not_asked_again_but_a_lock_may_be_given_back(
    url: str, setting: str, once: bool
) -> None:
    attempts = []

    def work(connection: Connection) -> None:
        attempts.append(1)
        connection.exec_driver_sql("INSERT INTO waited_for VALUES (1)")

    address = engine_url(f"{url}?options=-c%20{setting}=50")
    with opened(address, write_s=1) as database, psycopg.connect(url) as holder:
        holder.execute("CREATE TABLE IF NOT EXISTS waited_for (n int)")
        holder.commit()
        holder.execute("LOCK TABLE waited_for")
        with pytest.raises(Unavailable):
            database.save(work)
    assert (len(attempts) == 1) is once


def test_after_a_failover_to_a_reader_a_new_connection_is_tried(url: str) -> None:
    pids = []

    def work(connection: Connection) -> None:
        pids.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar())
        if len(pids) == 1:
            connection.exec_driver_sql("SET default_transaction_read_only = on")
        connection.exec_driver_sql("CREATE TABLE written (n int)")

    with opened(engine_url(url)) as database:
        database.save(work)
    assert len(set(pids)) == 2


def test_a_full_server_is_waited_for(server: Postgres, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 1")
    address = engine_url(url).set(username="crowded", password="crowded")
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as holder, opened(address, read_s=3) as database:
        with pytest.raises(Unavailable, match="too many connections"):
            database.once(lambda connection: None)
        leave = threading.Timer(0.2, holder.close)
        leave.start()
        assert scalar(database, "SELECT 7") == 7
        leave.join()


def test_what_is_around_the_work_bounds_it_as_well(proxy: Proxy, url: str) -> None:
    """A request that reads and then saves has one budget, not two."""
    with opened(through(proxy, url), read_s=5, write_s=5) as database:
        assert hot(database) == 7
        proxy.follow(stall_all)
        started = time.monotonic()
        with Within(0.4):
            for ask, reason in ((hot, "no answer in time"), (saved, "no time is left")):
                with pytest.raises(Unavailable, match=reason):
                    ask(database)
        assert time.monotonic() - started < 0.9


def test_while_the_database_is_frozen_some_wait_and_all_others_are_told(
    proxy: Proxy, url: str
) -> None:
    told: list[tuple[float, str]] = []

    def ask(database: Database) -> None:
        began = time.monotonic()
        with pytest.raises(Unavailable) as refusal:
            hot(database)
        told.append((time.monotonic() - began, str(refusal.value)))

    with opened(through(proxy, url), 3, read_s=1.5, room=6) as database:
        assert hot(database) == 7
        proxy.follow(stall_all)
        first = [threading.Thread(target=ask, args=[database]) for _ in range(8)]
        for thread in first:
            thread.start()
        time.sleep(MOVING_S + 0.4)
        assert [reason for _, reason in told] == ["too many wait for the database already"] * 2
        assert all(seconds < MOVING_S + 0.3 for seconds, _ in told)
        for thread in first:
            thread.join()
        # Who waited for their turn has waited no longer than who had theirs.
        assert max(seconds for seconds, _ in told) < 2
        # By then the breaker is open.
        for _ in range(20):
            ask(database)
        assert all(seconds < 0.1 for seconds, _ in told[8:])
        proxy.follow(let_pass)
        time.sleep(0.5)
        assert hot(database) == 7


def late_row(database: Database) -> object:
    return database.rows("SELECT pg_sleep(%(s)s)", {"s": 3})


def late_core(database: Database) -> object:
    return scalar(database, "SELECT pg_sleep(3)")


@pytest.mark.parametrize("late", [late_row, late_core])
def test_who_comes_late_costs_one_connection_and_not_the_pool(
    url: str, late: Callable[[Database], object]
) -> None:
    with opened(engine_url(url), 3) as database:
        kept = connections(database, 3)
        with Within(0.3), pytest.raises(Unavailable, match="no answer in time"):
            late(database)
        with ThreadPoolExecutor(3) as three:
            sql = "SELECT pg_backend_pid(), pg_sleep(%(s)s)"
            rows = list(three.map(lambda _: database.rows(sql, {"s": 0.2}), range(3)))
        assert len({pid for [(pid, _)] in rows} & kept) == 2
        assert len(connections(database, 3) & kept) == 2


@pytest.mark.parametrize("ask", [hot, core, saved])
def test_what_cannot_end_in_time_is_not_begun(
    server: Postgres, url: str, ask: Callable[[Database], object]
) -> None:
    with opened(engine_url(url)) as database:
        [kept] = connections(database, 1)
        before = server.log_size()
        with Within(0.05), pytest.raises(Unavailable, match="no time is left"):
            ask(database)
        assert server.statements("onboarding", after=before) == []
        assert connections(database, 1) == {kept}


# Whether it tells that nobody is there who answers.
SILENCE = {"57014": False, "55P03": False, "40P01": False, "57P03": True, "53300": True}


@pytest.mark.parametrize(("sqlstate", "silent"), SILENCE.items(), ids=SILENCE)
def test_only_silence_shuts_the_door_for_others(url: str, sqlstate: str, silent: bool) -> None:
    with opened(engine_url(url), read_s=0.4) as database:
        assert scalar(database, "SELECT 7") == 7
        for _ in range(3):
            with pytest.raises(Unavailable, match=sqlstate):
                scalar(database, _raising(sqlstate))
        if silent:
            with pytest.raises(Unavailable, match="did not answer a moment ago"):
                scalar(database, "SELECT 7")
        else:
            assert scalar(database, "SELECT 7") == 7


def test_impatience_is_no_silence(proxy: Proxy, url: str) -> None:
    """Probes that allow a second, while a database wakes up in three, cost nobody their answer."""
    with opened(through(proxy, url)) as database:
        assert hot(database) == 7
        proxy.follow(stall_all)
        for _ in range(4):
            with Within(0.2), pytest.raises(Unavailable, match="no answer in time"):
                hot(database)
        wakes = threading.Timer(0.3, proxy.follow, [let_pass])
        wakes.start()
        assert hot(database) == 7
        wakes.join()


def test_failed_work_gives_its_connection_back(url: str) -> None:
    with opened(engine_url(url), pool_size=1) as database:
        for _ in range(3):
            with pytest.raises(IntegrityError):
                scalar(database, _raising("23514"))
            with pytest.raises(LookupError):
                database.run(lambda connection: {}["missing"])
        assert scalar(database, "SELECT 1") == 1
