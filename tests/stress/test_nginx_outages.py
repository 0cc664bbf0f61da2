"""The shipped nginx file, while clients are slow and servers are down.

`make stress` runs it.
"""

import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import Environment
from tests.questionnaires import all_answers
from tests.stress.crowd import FIRST, FORM, draft, send, token_of
from tests.stress.front import Nginx
from tests.stress.lines import HOST, ThroughNginx
from tests.stress.servers import ORIGIN, Server, until
from tests.stress.test_nginx import HSTS, NO_FRAME, QUESTION
from tests.users import User

SLOW_CLIENTS = 200
BEGINNINGS = {
    "header": f"GET /profile HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ".encode(),
    "body": (
        f"POST /onboarding/review HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: {FORM}\r\n"
        "Content-Length: 10000\r\n\r\n"
    ).encode(),
    # Asks for much more than the kernel keeps for somebody who reads nothing.
    "answer": f"GET /embed.js HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() * 60,
}


@contextmanager
def slow_clients(dial: Callable[[], socket.socket], how: str) -> Iterator[list[bool]]:
    """Hold connections that send or read a byte a second; what is yielded says which stayed open."""

    def step(connection: socket.socket) -> bool:
        try:
            return connection.recv(1) != b"" if how == "answer" else connection.send(b"x") == 1
        except OSError:
            return False

    def go_on() -> None:
        while not stopped.wait(1):
            open_ones[:] = map(step, connections)

    stopped, connections = threading.Event(), [dial() for _ in range(SLOW_CLIENTS)]
    open_ones: list[bool] = []
    for connection in connections:
        connection.settimeout(5)
        connection.sendall(BEGINNINGS[how])
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    yield open_ones
    stopped.set()
    thread.join()
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("how", ["header", "body", "answer"])
def test_two_hundred_slow_clients_keep_nobody_waiting(front: Nginx, user: User, how: str) -> None:
    """Straight to them, forty would hold every thread of a server."""

    def timed() -> float:
        began = time.monotonic()
        assert line.ask("GET", QUESTION, {"Cookie": user.cookie}).status == 200
        return time.monotonic() - began

    with slow_clients(front.dial, how) as open_ones, closing(front.line()) as line:
        if how == "answer":
            # Until they stand still they are two hundred quick clients.
            until(lambda: timed() < 0.05)
        seconds = sorted(timed() for _ in range(100))
        time.sleep(2)
        # They are all still at it: none was answered or cut off meanwhile.
        assert open_ones == [True] * SLOW_CLIENTS
    assert seconds[50] < 0.2


def save(environment: Environment, line: ThroughNginx, user: User, token: str, **answers) -> float:
    """Save a draft, assert that it is in the database, and return the seconds it took."""
    began = time.monotonic()
    reply = send(line, user, *draft(answers, token), ORIGIN)
    assert (reply.status, reply.headers["location"]) == (303, "/onboarding/review#h")
    query = "SELECT to_jsonb(user_profile) FROM user_profile WHERE user_id = %s"
    [(row,)] = environment.sql(query, user.id)
    assert row.items() >= answers.items()
    return time.monotonic() - began


def test_while_one_server_is_down_every_form_reaches_the_other(
    environment: Environment, servers: list[Server], line: ThroughNginx, user: User
) -> None:
    def stop(server: Server) -> None:
        """As by systemctl stop: the socket is gone."""
        server.stop()
        assert not server.path.exists()

    def kill(server: Server) -> None:
        """Master and all: the socket lies there, and nobody listens."""
        server.signal_all(signal.SIGKILL)
        server.stop()
        assert server.path.exists()

    token = token_of(line, user)
    for server, end in zip(servers, (stop, kill), strict=True):
        try:
            end(server)
            for answers in all_answers() * 2:
                save(environment, line, user, token, **answers)
        finally:
            server.start()


def test_a_server_that_stands_still_costs_15_seconds_and_no_form(
    environment: Environment, servers: list[Server], line: ThroughNginx, user: User
) -> None:
    token = token_of(line, user)
    try:
        servers[0].signal_all(signal.SIGSTOP)
        # They go to the servers by turns.
        seconds = [save(environment, line, user, token, **one) for one in all_answers()[:4]]
        assert min(seconds) < 5
        assert 14 < max(seconds) < 20
    finally:
        servers[0].signal_all(signal.SIGCONT)


def test_with_both_down_people_are_told_to_wait_and_nothing_of_theirs_is_logged(
    front: Nginx, servers: list[Server], line: ThroughNginx, user: User, passed_on: Path
) -> None:
    path = f"{QUESTION}?{FIRST.name}=marker-answer&return_to=https%3A%2F%2Fexample.com%2Fmarker"
    headers = {
        "Cookie": user.cookie,
        "Referer": f"{ORIGIN}/onboarding/?next=/marker-referrer",
        "User-Agent": 'marker-agent"',
    }
    assert line.ask("GET", path, headers).status == 200
    try:
        # Failures are what nginx writes most about.
        for server in servers:
            server.stop()
        answer = line.ask("POST", path, headers, "marker-body")
    finally:
        for server in servers:
            server.start()
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert answer.headers["content-type"] == "text/html"
    assert "We will be back in a moment" in answer.text
    assert NO_FRAME in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"] == HSTS
    line.ask("POST", path, headers, "marker-body" * 2_000)
    line.ask("GET", path + "x" * 40_000, headers)

    until(lambda: '"status":414' in front.logs)
    assert f'"path":"{QUESTION}","status":503' in front.logs
    assert '"instance_status":"502, 502"' in front.logs
    # By its reference a request is found in the app's log too.
    references = re.findall('"request_id":"(.*?)"', front.logs)
    assert references[0] in {line.rpartition("|")[2] for line in passed_on.read_text().split()}
    for secret in ("marker", user.token, user.token[:16], FIRST.name):
        assert secret not in front.logs
