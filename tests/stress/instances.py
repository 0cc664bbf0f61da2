"""Two instances of the app as they are deployed: a Unix socket each, https before them."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from devstack.app import App
from devstack.processes import Child
from onboarding.betterauth.cookie import SessionCookie
from onboarding.config import Settings
from tests.conftest import Stage
from tests.stress.crowd import Crowd, Told
from tests.stress.lines import HOST
from tests.visitor import Person, newcomer

ORIGIN = f"https://{HOST}"


class Instance:
    """One of them; it can be stopped, started again, and hurt."""

    def __init__(self, app: App, log: Path) -> None:
        self.app = app
        self.log = log
        self.child: Child | None = None
        self.stops: list[float] = []
        """How long its ends took, in seconds."""

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
        found = psutil.Process(self._running().pid).children()
        return {worker.pid for worker in found if is_alive(worker)}

    def _running(self) -> Child:
        assert self.child
        return self.child


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process is there, and not only its remains."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, FileNotFoundError):
        return False


@contextmanager
def two_instances(stage: Stage, workers: int = 1, **settings: str) -> Iterator[list[Instance]]:
    # A socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="onb-") as folder, ExitStack() as running:
        instances = []
        for number in (1, 2):
            app = App(
                0,
                stage.app.database_url,
                stage.app.secret,
                "https://www.example.com",
                workers=workers,
                settings={
                    "APP_URL": ORIGIN,
                    "FORWARDED_PROXIES": "1",
                    # Our people send far more than people do.
                    "WRITES_PER_MINUTE": "0",
                    **settings,
                },
                socket=Path(folder) / f"{number}.sock",
            )
            instance = Instance(app, stage.logs / f"instance-{number}.log")
            running.callback(instance.stop)
            instance.start()
            instances.append(instance)
        yield instances


def until(done: Callable[[], bool], within_s: float = 20) -> None:
    """Wait for something that comes about."""
    deadline = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def newcomers(stage: Stage, instance: Instance, count: int) -> list[Person]:
    cookie = Settings.from_environ(instance.app.environment()).session_cookie
    assert isinstance(cookie, SessionCookie)
    return [newcomer(stage.database_url, cookie) for _ in range(count)]


def assert_all_was_kept(stage: Stage, crowd: Crowd) -> None:
    """Everybody was told that each of their answers is saved, and the last ones are final."""
    assert not crowd.failed, crowd.failed[:3]
    ids = [told.person.user_id for told in crowd.told]
    rows = stage.sql(
        "SELECT user_id, python_proficiency, developer_role, is_onboarded FROM user_profile "
        "WHERE user_id = ANY(%s)",
        ids,
    )
    assert sorted(rows) == sorted(_row(told) for told in crowd.told)


def _row(told: Told) -> tuple[str, str, str, bool]:
    return (told.person.user_id, *told.last, True)
