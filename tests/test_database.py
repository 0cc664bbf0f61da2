"""The way to the database: one statement a transaction, and plain words when there is no answer."""

import socket
import threading
import time
import traceback
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from devstack.postgres import Postgres
from onboarding import database as room
from onboarding.database import Database, SchemaChanged, Unavailable
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


def test_a_connection_tells_its_name_and_prepares_nothing(database: Database) -> None:
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


def test_all_connections_of_the_pool_may_have_been_dropped(
    server: Postgres, database: Database
) -> None:
    def together(connection: Connection) -> object:
        return scalar(database, "SELECT 1")

    database.run(together)
    with opened(engine_url(server.url())) as other:
        scalar(
            other,
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
            " WHERE datname = 'connections' AND application_name = 'onboarding'",
        )
    assert database.run(together) == 1


def test_what_fails_again_and_again_is_unavailable_when_its_budget_is_spent(url: str) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(1)
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with opened(engine_url(url), read_s=0.4) as database:
        started = time.monotonic()
        with pytest.raises(Unavailable, match="57P01|no answer in time"):
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


def test_without_a_free_connection_the_caller_is_soon_told_so(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert room.PLACE_WAIT_S <= 0.3
    monkeypatch.setattr(room, "PLACE_WAIT_S", 0.1)
    taken, done = threading.Event(), threading.Event()

    def keep(connection: Connection) -> None:
        taken.set()
        done.wait(10)

    with opened(engine_url(url), pool_size=1) as database:
        keeper = threading.Thread(target=database.run, args=(keep,))
        keeper.start()
        taken.wait(10)
        with pytest.raises(Unavailable, match="no free connection"):
            scalar(database, "SELECT 1")
        done.set()
        keeper.join(10)
        assert scalar(database, "SELECT 1") == 1


def test_failed_work_gives_its_connection_back(url: str) -> None:
    with opened(engine_url(url), pool_size=1) as database:
        for _ in range(3):
            with pytest.raises(IntegrityError):
                scalar(database, _raising("23514"))
            with pytest.raises(LookupError):
                database.run(lambda connection: {}["missing"])
        assert scalar(database, "SELECT 1") == 1
