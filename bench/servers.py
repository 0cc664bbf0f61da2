"""The servers that are measured: this app and its peers, each with one worker on one core."""

import signal
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.environment import PYTHON, Environment
from bench.usage import SERVER_CORE, on_core
from devstack.processes import ROOT, Child, StartFailed, free_port

PEERS = ROOT / "bench" / "peers"
HELLO, ORM, DJANGO = "Flask hello", "Flask + SQLAlchemy ORM, a first draft", "Django"
FASTAPI, GET_SESSION = "FastAPI + asyncpg", "Better-Auth `get-session`, Node 24"
HONO = "Hono page with `getSession`, Node 24"
GUNICORN = "gunicorn --worker-class=gthread --threads=32 --keep-alive=75 --no-control-socket --bind=127.0.0.1:"
# How each is started, and its page.
PEER_COMMANDS = {
    HELLO: (GUNICORN + "{port} flask_hello:app", "/"),
    ORM: (GUNICORN + "{port} flask_orm:app", "/profile"),
    DJANGO: (GUNICORN + "{port} django_page.wsgi:application", "/profile"),
    FASTAPI: ("uvicorn --no-access-log --port={port} fastapi_page:app", "/profile"),
    GET_SESSION: ("get-session.js", "/api/auth/get-session"),
    HONO: ("hono-page.js", "/profile"),
}


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    child: Child


def start_app(
    environment: Environment,
    url: str,
    *,
    workers: int = 1,
    checkout: Path = ROOT,
    entry: str = "wsgi:app",
) -> Server:
    """Start this app, or another checkout of it, as it is deployed, before a database."""
    port = free_port()
    command = [str(checkout / PYTHON), "-m", "gunicorn", entry]
    variables = environment.app_variables(url, port, workers)
    return _start(environment, command, port, variables, checkout)


def start_peer(environment: Environment, url: str, name: str) -> Server:
    """Start a peer before a database. Raise StartFailed if the peers' packages aren't installed."""
    port = free_port()
    words = PEER_COMMANDS[name][0].format(port=port).split()
    command = [str(ROOT / PYTHON), "-m", *words]
    if words[0].endswith(".js"):
        node = next(PEERS.glob("node_modules/node-linux-*/bin/node"), None)
        if node is None:
            raise StartFailed("the peers' packages are not installed: run `make bench`")
        command = [str(node), *words]
    variables = {
        "PORT": str(port),
        "DATABASE_URL": url,
        "BETTER_AUTH_SECRET": environment.secret,
        "NODE_ENV": "production",
    }
    return _start(environment, command, port, variables, PEERS)


def _start(
    environment: Environment,
    command: Sequence[str],
    port: int,
    variables: Mapping[str, str],
    directory: Path,
) -> Server:
    log, deadline = environment.logs / f"{port}.log", time.monotonic() + 30
    with on_core(SERVER_CORE):
        # By SIGKILL a server's workers would outlive it for a while.
        child = Child(
            command[-1],
            command,
            log=log,
            environment=variables,
            directory=directory,
            death_signal=signal.SIGTERM,
        )
    while not _answers(port):
        if child.exit_status() is not None or time.monotonic() > deadline:
            child.stop()
            raise StartFailed(f"{child.name} doesn't answer{child.tail()}")
        time.sleep(0.003)
    return Server(port, child)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            return bool(connection.recv(1))
    except OSError:
        return False
