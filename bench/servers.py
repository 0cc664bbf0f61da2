"""`python -m bench.servers`: the app's page under several servers, side by side, and when they are hurt."""

import argparse
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from bench import document, load, usage
from bench import scene as scenes
from bench.asked import USUAL_PER_SECOND, Asked
from bench.figures import median, spread
from bench.scene import ASKED, ONBOARDED, Scene
from bench.served import PYTHON, THREADS, granian, our_app_under
from devstack.app import App

ROUNDS, SECONDS = 5, 2.0
# For how long the database stands still while the server is told to stop, in seconds.
STALL = 1.0
IN_FLIGHT = 4


def _gunicorn(worker: str) -> Callable[[App], Iterable[str]]:
    return lambda _: (*PYTHON, "gunicorn", f"--worker-class={worker}", "wsgi:app")


def _granian(threads: int) -> Callable[[App], Iterable[str]]:
    return lambda app: granian(app, threads)


SERVERS = {
    "gunicorn gthread, as shipped": _gunicorn("gthread"),
    "gunicorn sync": _gunicorn("sync"),
    "granian, 1 thread": _granian(1),
    f"granian, {THREADS} threads": _granian(THREADS),
}


@dataclass(kw_only=True)
class Measured(Asked):
    """The app under a server, and what came of hurting it."""

    pss_mib: float = 0
    killed: str = ""
    stopped: str = ""


def main() -> None:
    """Measure, print, and write the document unless it was a quick try."""
    parser = argparse.ArgumentParser(prog="python -m bench.servers")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    quick = parser.parse_args().quick
    rounds, seconds = (1, 0.5) if quick else (ROUNDS, SECONDS)
    with (
        tempfile.TemporaryDirectory() as folder,
        scenes.opened(Path(folder)) as scene,
        ExitStack() as running,
    ):
        url = scene.create_database("servers")
        scene.people(url, ONBOARDED, ASKED)
        scene.settle(url)
        measured = [_started(name, argv, scene, url, running) for name, argv in SERVERS.items()]
        with usage.on_core(usage.OTHERS_CORE):
            for one in measured:
                one.warm_up(seconds)
            for _ in range(rounds):
                for one in measured:
                    one.measure(scene, seconds)
                    one.measure_usual(seconds)
            for one in measured:
                worker = usage.workers_of(one.served.child.pid)[0]
                one.pss_mib = usage.pss_mib(worker)
                one.killed = _worker_killed(one, worker)
                one.stopped = _stopped_in_flight(one, url)
        lines = _lines(measured, rounds, seconds)
    print("\n".join(lines))
    if not quick:
        document.write("servers", lines)


def _started(
    name: str, argv: Callable[[App], Iterable[str]], scene: Scene, url: str, running: ExitStack
) -> Measured:
    app = scenes.app(scene, url)
    served = our_app_under(argv(app), app, scene, "server")
    running.enter_context(served.child)
    return Measured(name, served, scene.asks(app.port, "/profile"))


def _worker_killed(one: Measured, worker: int) -> str:
    """Kill the one worker, and ask until another answers."""
    os.kill(worker, signal.SIGKILL)
    killed = time.perf_counter()
    while time.perf_counter() - killed < load.PATIENCE_S:
        try:
            load.ask(one.served.port, one.requests[:1], 200)
        except (OSError, load.LoadFailed):
            time.sleep(0.005)
        else:
            return f"answers again after {time.perf_counter() - killed:.1f} s"
    return "doesn't come back"


def _stopped_in_flight(one: Measured, url: str) -> str:
    """Tell the server to stop while requests wait for a database that stands still."""
    if not psutil.pid_exists(one.served.child.pid) or one.served.child.exit_status() is not None:
        return "is gone already"
    waiting = []
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE session IN ACCESS EXCLUSIVE MODE")
        for asked in one.requests[:IN_FLIGHT]:
            opened = socket.create_connection(("127.0.0.1", one.served.port), load.PATIENCE_S)
            opened.sendall(asked)
            waiting.append(opened)
        time.sleep(STALL / 2)
        os.kill(one.served.child.pid, signal.SIGTERM)
        time.sleep(STALL / 2)
        connection.rollback()
    whole = sum(_is_answered(opened) for opened in waiting)
    return f"{whole} of {IN_FLIGHT} answered"


def _is_answered(opened: socket.socket) -> bool:
    with opened:
        try:
            return opened.recv(65536).startswith(b"HTTP/1.1 200")
        except OSError:
            return False


def _lines(measured: list[Measured], rounds: int, seconds: float) -> list[str]:
    head = (
        *("", "requests/s", "CPU µs", "p50 ms", "p99 ms", f"p99 ms at {USUAL_PER_SECOND}/s"),
        *("PSS MiB", "its worker is killed", f"told to stop with {IN_FLIGHT} in flight"),
    )
    rows = [
        [
            one.name,
            spread(one.per_second),
            spread(one.cpu_us),
            f"{median(one.p50_ms):.1f}",
            f"{median(one.p99_ms):.1f}",
            f"{median(one.usual_p99_ms):.1f}",
            f"{one.pss_mib:.0f}",
            one.killed,
            one.stopped,
        ]
        for one in measured
    ]
    return [
        document.machine("flask", "gunicorn", "granian"),
        f"{rounds} rounds of {seconds:g} s, {load.CONNECTIONS} connections.",
        "",
        *document.table(head, rows),
    ]


if __name__ == "__main__":
    main()
