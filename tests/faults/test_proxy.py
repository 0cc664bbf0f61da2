"""The proxy that the fault tests stand on reads the protocol, and does to it what it is told."""

import threading
import time

import psycopg
import pytest

from tests.faults.proxy import (
    Proxy,
    Side,
    cut_all,
    cut_at,
    let_pass,
    stall_all,
    stall_at,
    stall_on,
)


@pytest.fixture
def proxy(server):
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def connect(server, proxy):
    def connect(**more):
        return psycopg.connect(
            server.url().replace(f":{server.port}/", f":{proxy.port}/"),
            autocommit=True,
            connect_timeout=5,
            prepare_threshold=None,
            **more,
        )

    return connect


def kinds(proxy, sender):
    return [message.kind for message in proxy.messages if message.sender is sender]


def test_it_reads_every_message_of_both_sides(proxy, connect):
    with connect(sslmode="prefer") as connection:
        before = kinds(proxy, Side.CLIENT), kinds(proxy, Side.SERVER)
        proxy.follow(let_pass)
        assert connection.execute("SELECT %s::int", [7]).fetchone() == (7,)
        # Parse, Bind, Describe, Execute, Sync; and the server's five with the one row.
        assert kinds(proxy, Side.CLIENT) == ["P", "B", "D", "E", "S"]
        assert kinds(proxy, Side.SERVER) == ["1", "2", "T", "D", "C", "Z"]
    assert before[0] == ["request", "startup", "p", "p"]
    assert before[1][:2] == ["refusal", "R"]
    assert before[1][-1] == "Z"


def test_it_cuts_at_a_message_and_only_there(proxy, connect):
    connection = connect()
    proxy.follow(cut_at(3))
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    assert proxy.cuts == 1
    assert len(kinds(proxy, Side.CLIENT)) <= 4
    with connect() as other:
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_what_comes_before_the_cut_has_reached_the_server(server, proxy, connect):
    database = server.create_database("cuts")
    with psycopg.connect(database, autocommit=True) as direct:
        direct.execute("CREATE TABLE kept (n int)")
        # Before Execute nothing has happened; before the server's first word all has.
        for number, rows in ((3, 0), (4, 0), (5, 1)):
            with connect(dbname="cuts") as connection:
                proxy.follow(cut_at(number))
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("INSERT INTO kept VALUES (%s)", [number])
            assert direct.execute("SELECT count(*) FROM kept").fetchone() == (rows,)
    server.drop_database("cuts")


def test_all_can_be_cut_and_come_back(proxy, connect):
    idle = connect()
    proxy.follow(cut_all)
    with pytest.raises(psycopg.OperationalError):
        idle.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        connect()
    proxy.follow(let_pass)
    with connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "rule", [stall_all, stall_at(2), stall_on("D")], ids=["all", "a message", "a type"]
)
def test_what_is_held_goes_on_later(proxy, connect, rule):
    with connect() as connection:
        proxy.follow(rule)
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(connection.execute("SELECT 1").fetchone())
        )
        asking.start()
        time.sleep(0.2)
        assert answers == []
        proxy.follow(let_pass)
        asking.join(5)
        assert answers == [(1,)]


def test_what_is_held_can_be_cut(proxy, connect):
    connection = connect()
    proxy.follow(stall_all)
    cutting = threading.Timer(0.2, proxy.follow, [cut_all])
    cutting.start()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
