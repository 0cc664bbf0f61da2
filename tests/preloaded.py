"""Runs commands in a process that has loaded what they need: a tenth of the time of a fresh one.

`python -m tests.preloaded` reads a JSON line for each command, forks, and lets the child run it with
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

from devstack.processes import ROOT

LONGEST_RUN_S = 30

_one_at_a_time = threading.Lock()


def run_alembic(
    arguments: tuple[str, ...], environ: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ``alembic ...`` and give what it said and its exit status."""
    with _one_at_a_time:
        runner = _runner()
        print(json.dumps({"arguments": arguments, "environ": environ}), file=runner.stdin)
        answer = json.loads(runner.stdout.readline())
    return subprocess.CompletedProcess(("alembic", *arguments), **answer)


@cache
def _runner() -> subprocess.Popen[str]:
    runner = subprocess.Popen(
        [sys.executable, "-m", "tests.preloaded"],
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
                _become_alembic(order["arguments"], order["environ"])
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            stdout.seek(0)
            stderr.seek(0)
            said = {"stdout": stdout.read(), "stderr": stderr.read()}
        print(json.dumps({"returncode": status, **said}), flush=True)


def _become_alembic(arguments: list[str], environ: dict[str, str]) -> None:
    signal.alarm(LONGEST_RUN_S)
    os.environ.clear()
    os.environ.update(environ)
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


if __name__ == "__main__":
    # What a migration imports, once for all of them.
    import onboarding.config
    import onboarding.profiles.model  # noqa: F401

    _serve()
