"""What an error of the database means, and what is tried again."""

import traceback

import pytest
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from onboarding.database import SchemaMismatch, Unavailable
from tests.database.statements import scalar
from tests.schemas import engine_url, open_database

pytestmark = pytest.mark.slow


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
