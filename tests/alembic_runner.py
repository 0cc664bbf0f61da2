"""Runs commands in a process that has loaded what they need: a tenth of the time of a fresh one.

`python -m tests.alembic_runner` reads a JSON line for each command, forks, and lets the child run it with
the environment it is given and nothing else, as a new process would.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from functools import cache

from alembic.config import main as alembic
from sqlalchemy import Engine, event

from devstack.processes import ROOT

LONGEST_RUN_S = 30
KILLED = -signal.SIGKILL

_one_at_a_time = threading.Lock()


def run_alembic(
    arguments: tuple[str, ...], environ: Mapping[str, str], dies_after: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``alembic ...`` and give what it said and its exit status.

    `dies_after` lets it kill itself after so many statements, a COMMIT that is due among them.
    """
    with _one_at_a_time:
        runner = _runner()
        order = {"arguments": arguments, "environ": environ, "dies_after": dies_after}
        print(json.dumps(order), file=runner.stdin)
        answer = json.loads(runner.stdout.readline())
    return subprocess.CompletedProcess(("alembic", *arguments), **answer)


@cache
def _runner() -> subprocess.Popen[str]:
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.alembic_runner"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )

    def end() -> None:
        runner.stdin.close()
        runner.stdout.close()
        runner.wait(10)

    atexit.register(end)
    return runner


def _serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
            child = os.fork()
            if child == 0:
                os.dup2(stdout.fileno(), 1)
                os.dup2(stderr.fileno(), 2)
                _become_alembic(**order)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            stdout.seek(0)
            stderr.seek(0)
            said = {"stdout": stdout.read(), "stderr": stderr.read()}
        print(json.dumps({"returncode": status, **said}), flush=True)


def _become_alembic(arguments: list[str], environ: dict[str, str], dies_after: int | None) -> None:
    signal.alarm(LONGEST_RUN_S)
    os.environ.clear()
    os.environ.update(environ)
    if dies_after is not None:
        _die_after(dies_after)
    status = 0
    try:
        alembic(arguments, prog="alembic")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status & 0xFF)


def _die_after(statements: int) -> None:
    left = iter(range(statements - 1))

    def one_more(*_: object) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", one_more)
    event.listen(Engine, "commit", one_more)


if __name__ == "__main__":
    # What a migration imports, once for all of them.
    import onboarding.profiles.table
    import onboarding.settings  # noqa: F401

    _serve()
