"""The proxy of the fault tests reads the protocol, and does to it what it is told."""

import threading
import time

import psycopg
import pytest

from tests.faults.proxy import Proxy, Side, cut_at, let_pass, stall_on


@pytest.fixture
def proxy(server):
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def connect(server, proxy):
    def connect(dbname="postgres"):
        return psycopg.connect(
            server.url(dbname).replace(f":{server.port}/", f":{proxy.port}/"),
            autocommit=True,
            connect_timeout=30,
            sslmode="disable",
        )

    return connect


def test_it_reads_every_message_of_both_sides(proxy, connect):
    with connect() as connection:
        assert proxy.messages[0].kind == "startup"
        proxy.follow(let_pass)
        assert connection.execute("SELECT %s::int", [7]).fetchone() == (7,)
        # Parse, Bind, Describe, Execute, Sync; and the server's six with the one row.
        for sender, kinds in ((Side.CLIENT, "PBDES"), (Side.SERVER, "12TDCZ")):
            assert "".join(m.kind for m in proxy.messages if m.sender is sender) == kinds


def test_what_comes_before_a_cut_has_reached_the_server_and_nothing_else(server, proxy, connect):
    database = server.create_database("cuts")
    with psycopg.connect(database, autocommit=True) as direct:
        direct.execute("CREATE TABLE numbers (n int)")
        # Before Execute nothing has happened; before the server's first word all has.
        for number, rows in ((3, 0), (4, 0), (5, 1)):
            with connect(dbname="cuts") as connection:
                proxy.follow(cut_at(number))
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("INSERT INTO numbers VALUES (%s)", [number])
            assert proxy.cuts == 1
            assert direct.execute("SELECT count(*) FROM numbers").fetchone() == (rows,)
    server.drop_database("cuts")


def test_what_is_held_goes_on_later(proxy, connect):
    with connect() as connection:
        proxy.follow(stall_on("D"))
        rows = []
        thread = threading.Thread(target=lambda: rows.extend(connection.execute("SELECT 1")))
        thread.start()
        time.sleep(0.2)
        assert rows == []
        proxy.follow(let_pass)
        thread.join()
        assert rows == [(1,)]
