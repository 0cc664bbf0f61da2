"""Two servers of the app as they are deployed: a Unix socket each, https before them."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil

from devstack.app import App
from devstack.processes import Child
from onboarding.betterauth.cookie import SessionCookie
from onboarding.settings import Settings
from tests.conftest import Environment
from tests.stress.crowd import Crowd
from tests.stress.lines import HOST
from tests.users import User, create_user

ORIGIN = f"https://{HOST}"


class Server:
    """One of them; `stops` is how long it took to end, each time, in seconds."""

    def __init__(self, app: App, log: Path) -> None:
        self.app = app
        self.log = log
        self.child: Child | None = None
        self.stops: list[float] = []

    @property
    def path(self) -> Path:
        assert self.app.socket
        return self.app.socket

    def start(self) -> None:
        self.child = self.app.start(self.log)

    def stop(self) -> None:
        if self.child:
            self.child.stop()

    def restart(self) -> None:
        """As `systemctl restart` does; it must end by itself within the unit's TimeoutStopSec."""
        child = self._running()
        began = time.monotonic()
        os.kill(child.pid, signal.SIGTERM)
        until(lambda: child.exit_status() is not None)
        self.stops.append(time.monotonic() - began)
        assert child.exit_status() == 0, child.death()
        self.start()

    def reload(self) -> None:
        """SIGHUP, and wait for other workers in the places of all."""
        old = self.workers()
        os.kill(self._running().pid, signal.SIGHUP)
        until(lambda: len(self.workers()) == len(old) and not self.workers() & old)

    def lose_a_worker(self) -> None:
        """SIGKILL, as the kernel does when memory is short, and wait for its successor."""
        old = self.workers()
        os.kill(min(old), signal.SIGKILL)
        until(lambda: len(self.workers()) == len(old) and self.workers() != old)

    def signal_all(self, number: signal.Signals) -> None:
        for pid in (*self.workers(), self._running().pid):
            os.kill(pid, number)

    def workers(self) -> set[int]:
        """Return the process ids of the workers that are alive, not what is left of them."""
        found = set()
        for worker in psutil.Process(self._running().pid).children():
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                if worker.status() != psutil.STATUS_ZOMBIE:
                    found.add(worker.pid)
        return found

    def _running(self) -> Child:
        assert self.child
        return self.child


@contextmanager
def two_servers(
    environment: Environment, workers: int = 1, **settings: str
) -> Iterator[list[Server]]:
    # A socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="onb-") as folder, ExitStack() as running:
        servers = []
        for number in (1, 2):
            app = replace(
                environment.app_server,
                port=0,
                site_url="https://www.example.com",
                workers=workers,
                # This crowd sends far more than people do.
                settings={
                    "APP_URL": ORIGIN,
                    "FORWARDED_PROXIES": "1",
                    "WRITES_PER_MINUTE": "0",
                    **settings,
                },
                socket=Path(folder) / f"{number}.sock",
            )
            server = Server(app, environment.logs / f"app-{number}.log")
            running.callback(server.stop)
            server.start()
            servers.append(server)
        yield servers


def until(done: Callable[[], bool], within_s: float = 20) -> None:
    """Wait for something that comes about."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def create_users(environment: Environment, server: Server, count: int) -> list[User]:
    cookie = Settings.from_environ(server.app.environment()).session_cookie
    assert isinstance(cookie, SessionCookie)
    return [create_user(environment.database_url, cookie) for _ in range(count)]


def assert_all_was_kept(environment: Environment, crowd: Crowd) -> None:
    """Everybody was told that each of their answers is saved, and the last ones are final."""
    assert not crowd.failed, crowd.failed[:3]
    query = "SELECT to_jsonb(user_profile) FROM user_profile WHERE is_onboarded AND user_id = %s"
    for outcome in crowd.outcome:
        [(row,)] = environment.sql(query, outcome.user.id)
        assert row.items() >= outcome.last.items()
