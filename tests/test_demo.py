"""The demo as `make demo` runs it: everything starts, everything stops, and the data stays."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from devstack.postgres import Postgres
from devstack.processes import ROOT, Child, free_port, wait_for
from tests.questionnaires import DEFAULT

pytestmark = pytest.mark.slow

PARTS = ("devstack", "migrations", "onboarding", "wsgi.py", "gunicorn.conf.py", "pyproject.toml")
SITE = Path("examples/main-site")
# The demo, with a Ctrl+C in the very moment in which it starts its first process.
INTERRUPTED_AT_FORK = """
import os, signal, sys
from devstack import demo
os.register_at_fork(before=lambda: signal.raise_signal(signal.SIGINT))
sys.exit(demo.main())
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout with ports of its own, so that the developer's own demo may go on."""

    path: Path
    site_port: int
    app_port: int

    @property
    def site_url(self) -> str:
        return f"http://localhost:{self.site_port}"

    @property
    def app_url(self) -> str:
        return f"http://localhost:{self.app_port}"

    def launch(self, log: str = "demo.log", *, code: str = "", **environment: str) -> Child:
        """Start the demo, by Python code if it is given, without waiting for it."""
        return Child(
            "the demo",
            [sys.executable, *(("-c", code) if code else ("-m", "devstack.demo"))],
            log=self.path / log,
            directory=self.path,
            environment={
                "DEMO_SITE_PORT": str(self.site_port),
                "DEMO_APP_PORT": str(self.app_port),
                **environment,
            },
            stop_seconds=20,
        )

    @contextmanager
    def start(self, **environment: str) -> Iterator[tuple[Child, list[psutil.Process]]]:
        """Start the demo and wait until it is ready; return it and all its processes."""
        with self.launch(**environment) as demo:
            wait_for(demo, lambda: None if "ready: " in demo.log.read_text() else "not ready")
            assert demo.log.read_text().splitlines()[-1] == f"ready: {self.site_url}"
            parts = psutil.Process(demo.pid).children(recursive=True)
            commands = " ".join(" ".join(part.cmdline()) for part in parts)
            for word in ("gunicorn", "server.js"):
                assert word in commands
            try:
                yield demo, parts
            finally:
                for part in running(parts):
                    with suppress(psutil.NoSuchProcess):
                        part.kill()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of this checkout without any data."""
    path = tmp_path_factory.mktemp("checkout")
    for name in PARTS:
        part = ROOT / name
        (shutil.copytree if part.is_dir() else shutil.copy)(part, path / name)
    shutil.copytree(ROOT / SITE, path / SITE, ignore=shutil.ignore_patterns("node_modules"))
    (path / SITE / "node_modules").symlink_to(ROOT / SITE / "node_modules")
    yield Checkout(path, free_port(), free_port())
    # Root's demo may have put its data where the server's account can reach it.
    moved = path / ".demo/postgres/moved-to"
    if moved.is_symlink():
        shutil.rmtree(moved.readlink())


def test_a_stopped_and_a_killed_demo_leave_no_process_and_start_again_with_their_data(
    checkout: Checkout,
) -> None:
    email = f"{secrets.token_hex(8)}@example.test"
    # Nothing of a developer's own database is touched, nor does it have to be there.
    with checkout.start(DATABASE_URL="postgresql://nobody@127.0.0.1:1/precious") as (demo, parts):
        cookie = sign(checkout, "up", email)
        # As a terminal's Ctrl+C does, to everybody in the foreground.
        os.killpg(demo.pid, signal.SIGINT)
        assert status_at_the_end(demo) == 0
        assert demo.log.read_text().splitlines()[-1] == "stopped"
        assert running(parts) == []

    with checkout.start() as (demo, parts):
        assert_signed_in(checkout, cookie)
        assert_signed_in(checkout, sign(checkout, "in", email))

        second = checkout.launch("second.log")
        assert status_at_the_end(second) == 1
        (line,) = second.log.read_text().splitlines()
        assert line.startswith("demo: another demo is running")

        reset = "profiles reset EMAIL --reason trial"
        assert reset in demo.log.read_text()
        done = shell(checkout, "operator.env", reset.replace("EMAIL", email))
        assert done.stderr == f"{email} has no profile yet\n"
        assert {"rights": "ok", "excess rights": "ok"}.items() <= levels(checkout).items()

        os.kill(demo.pid, signal.SIGKILL)
        assert status_at_the_end(demo) == -signal.SIGKILL
        wait_until(lambda: not running(parts))

    # It starts again after that, and may be stopped at any moment.
    for moment in ("starting PostgreSQL", "creating the tables"):
        with checkout.launch() as demo:
            wait_until(lambda moment=moment, log=demo.log: moment in log.read_text())
            parts = psutil.Process(demo.pid).children(recursive=True)
            os.kill(demo.pid, signal.SIGINT)
            assert status_at_the_end(demo) in (0, -signal.SIGINT)
            assert "Traceback" not in demo.log.read_text()
            assert running(parts) == []
    with checkout.launch(code=INTERRUPTED_AT_FORK) as demo:
        assert status_at_the_end(demo) == 0
        assert demo.log.read_text().splitlines()[-1] == "stopped"


def test_a_given_database_is_used_if_it_is_empty_and_refused_if_it_is_anybodys(
    checkout: Checkout, server: Postgres
) -> None:
    empty, precious = (server.create_database(f"demo_{name}") for name in ("empty", "precious"))
    foreign = 'CREATE TABLE orders (id int); CREATE TABLE "user" (id int)'
    with psycopg.connect(precious, autocommit=True) as connection:
        connection.execute(foreign)
    with checkout.launch(DEMO_DATABASE_URL=precious) as demo:
        assert status_at_the_end(demo) == 1
    last = demo.log.read_text().splitlines()[-1]
    assert "DEMO_DATABASE_URL holds tables that the demo didn't make (public.orders" in last
    with psycopg.connect(precious) as connection:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert connection.execute(tables).fetchone() == (2,)
    with checkout.start(DEMO_DATABASE_URL=empty) as (demo, parts):
        assert_signed_in(checkout, sign(checkout, "up", f"{secrets.token_hex(8)}@example.test"))
        os.kill(demo.pid, signal.SIGTERM)
        assert status_at_the_end(demo) == 0
        assert running(parts) == []
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders (id int)")
    with checkout.launch(DEMO_DATABASE_URL=empty) as demo:
        assert status_at_the_end(demo) == 1
        assert "(public.orders)" in demo.log.read_text()


def test_a_taken_port_is_named_in_one_line(checkout: Checkout) -> None:
    port = checkout.app_port
    with socket.create_server(("127.0.0.1", port)), checkout.launch() as demo:
        assert status_at_the_end(demo) == 1
    (line,) = demo.log.read_text().splitlines()
    assert line.startswith(f"demo: port {port} is taken")
    assert "DEMO_APP_PORT=" in line


def levels(checkout: Checkout) -> dict[str, str]:
    """Return what `flask doctor` finds, by condition, with the settings of the running app."""
    done = shell(checkout, "app.env", "doctor --json")
    return {found["condition"]: found["level"] for found in json.loads(done.stdout)["findings"]}


def shell(checkout: Checkout, file: str, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the variables of one of the demo's files."""
    settings = checkout.path / ".demo" / file
    assert settings.stat().st_mode & 0o777 == 0o600
    return subprocess.run(
        ["sh", "-c", f". {settings} && exec {sys.executable} -m onboarding {command}"],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
    )


def sign(checkout: Checkout, direction: str, email: str) -> str:
    """Sign up or in on the main site; return the Cookie header."""
    answer = httpx.post(
        f"{checkout.site_url}/api/auth/sign-{direction}/email",
        json={"name": "Ada Lovelace", "email": email, "password": "correct horse battery"},
        headers={"Origin": checkout.site_url},
        trust_env=False,
    )
    assert answer.status_code == 200, answer.text
    return answer.headers["set-cookie"].partition(";")[0]


def assert_signed_in(checkout: Checkout, cookie: str) -> None:
    """Both the main site and the app know whose cookie this is."""
    with httpx.Client(headers={"Cookie": cookie}, trust_env=False) as browser:
        assert "Ada Lovelace" in browser.get(checkout.site_url).text
        question = f"{checkout.app_url}/onboarding/{DEFAULT.questions[0].slug}"
        assert browser.get(question).status_code == 200


def running(parts: list[psutil.Process]) -> list[psutil.Process]:
    """Return the processes that haven't ended."""
    return [part for part in parts if part.is_running() and part.status() != psutil.STATUS_ZOMBIE]


def status_at_the_end(demo: Child) -> int:
    wait_until(lambda: demo.exit_status() is not None)
    status = demo.exit_status()
    assert status is not None
    return status


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.02)
