"""The servers that are compared, each started as its own users start it, with one worker on one core."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import scene as scenes
from bench.scene import Scene
from bench.usage import SERVERS_CORE, on_core
from devstack.app import App
from devstack.main_site import node
from devstack.processes import ROOT, Child, StartFailed, free_port, wait_for

HELLO = "Flask hello"
GET_SESSION = "Better-Auth `get-session`"
HONO, EXPRESS = "Hono page with `getSession`", "Express page with `getSession`"

PEERS = ROOT / "bench" / "peers"
PACKAGES = PEERS / "node_modules"
# Python's own; everything else comes from the checkout's environment.
PYTHON = (sys.executable, "-m")

THREADS = 32
# The server class of gunicorn.conf.py, its number of threads too.
GTHREAD = ("gunicorn", "--worker-class=gthread", f"--threads={THREADS}", "--workers=1")
QUIET = ("--no-control-socket", "--keep-alive=75", "--log-level=warning")


@dataclass(frozen=True)
class Served:
    """A running server: its address, and the process above all of its own."""

    name: str
    port: int
    child: Child


def started(
    name: str,
    argv: Iterable[str | Path],
    port: int,
    log: Path,
    environment: Mapping[str, str],
    directory: Path = PEERS,
) -> Served:
    """Start a server on the servers' core and wait until it answers anything at all."""
    with on_core(SERVERS_CORE):
        child = Child(
            name,
            [*argv],
            log=log,
            environment={"PYTHONUNBUFFERED": "1", **environment},
            directory=directory,
            # A server that is killed leaves its workers behind for a while.
            death_signal=signal.SIGTERM,
        )
    try:
        wait_for(child, lambda: _unanswered(port))
    except BaseException:
        child.stop()
        raise
    return Served(name, port, child)


def _unanswered(port: int) -> str | None:
    # Bytes by hand: a client would follow the redirect to a main site that isn't there.
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as opened:
            opened.sendall(f"GET / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
            return None if opened.recv(1) else "it hung up"
    except OSError as error:
        return str(error)


def our_app(scene: Scene, url: str, workers: int = 1, name: str = "app") -> Served:
    """Start this app under gunicorn, as shipped; with several workers, on every core."""
    app = scenes.app(scene, url, workers)
    return our_app_under((*PYTHON, "gunicorn", "wsgi:app"), app, scene, name)


def our_app_under(argv: Iterable[str | Path], app: App, scene: Scene, name: str) -> Served:
    """Start this app under any server."""
    log = scene.logs / f"{name}-{app.port}.log"
    return started(name, argv, app.port, log, app.environment(), ROOT)


def granian(app: App, threads: int) -> tuple[str, ...]:
    """The command that serves this app under granian, by so many threads."""
    address = ("--host=127.0.0.1", f"--port={app.port}", "--workers=1")
    how = (f"--blocking-threads={threads}", "--no-access-log", "--log-level=warning")
    # By default a worker's death ends the server.
    respawn = "--respawn-failed-workers"
    return (*PYTHON, "granian", "--interface=wsgi", *address, *how, respawn, "wsgi:app")


@dataclass(frozen=True)
class Peer:
    """Something that our users know: how it is started, and the page of its that is asked for."""

    name: str
    argv: Callable[[int], Iterable[str | Path]]
    path: str = "/profile"

    def start(self, scene: Scene, url: str) -> Served:
        """Start it before this database."""
        port = free_port()
        environment = {
            "PORT": str(port),
            "DATABASE_URL": url,
            "BETTER_AUTH_SECRET": scene.secret,
            "NODE_ENV": "production",
        }
        log = scene.logs / f"{port}.log"
        return started(self.name, self.argv(port), port, log, environment)


def peers() -> list[Peer]:
    """All that can run here. Node 24 comes from a package, on Linux on x86-64 and arm64 alone."""
    python = [
        Peer(HELLO, lambda port: _gunicorn(port, "flask_hello:app"), "/"),
        Peer(
            "Flask + SQLAlchemy ORM, a first draft", lambda port: _gunicorn(port, "flask_orm:app")
        ),
        Peer("Django", lambda port: _gunicorn(port, "django_page.wsgi:application")),
        Peer(
            "FastAPI + asyncpg",
            lambda port: [
                *(*PYTHON, "uvicorn", "--log-level=warning", "--no-access-log"),
                *(f"--port={port}", "fastapi_page:app"),
            ],
        ),
    ]
    scripts = {
        GET_SESSION: ("get-session.js", "/api/auth/get-session"),
        HONO: ("hono-page.js", "/profile"),
        EXPRESS: ("express-page.js", "/profile"),
    }
    return python + [
        Peer(f"{name}, Node {version}", _run(program, script), path)
        for name, (script, path) in scripts.items()
        for version, program in nodes().items()
    ]


def nodes() -> dict[str, Path]:
    """The Nodes there are, by their major version."""
    if not PACKAGES.is_dir():
        raise StartFailed("the peers' packages are not installed: run `make bench`")
    programs = [Path(node()), *PACKAGES.glob("node-linux-*/bin/node")]
    return {version_of(program).partition(".")[0]: program for program in programs}


def version_of(node: Path) -> str:
    """A Node's version, like 24.21.0."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip().removeprefix("v")


def _run(program: Path, script: str) -> Callable[[int], list[str | Path]]:
    # The port is in its environment.
    return lambda _: [program, script]


def _gunicorn(port: int, app: str) -> tuple[str, ...]:
    return (*PYTHON, *GTHREAD, *QUIET, f"--bind=127.0.0.1:{port}", app)
