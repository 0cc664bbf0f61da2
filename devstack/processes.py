"""Child processes that never outlive this one, and the waiting for them."""

import contextlib
import ctypes
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

# The checkout: every program is started from files in here.
ROOT = Path(__file__).resolve().parent.parent

# What a child inherits from the shell. Anything else (a developer's own BETTER_AUTH_*, GUNICORN_CMD_ARGS, PGHOST,
# NODE_OPTIONS, TZ …) could make it behave differently here than elsewhere.
INHERITED = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TERM",
    "TMPDIR",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)

PR_SET_PDEATHSIG = 1
# What ends a program that starts children.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class StartFailed(Exception):
    """A program could not be started or has died; the message is for a person: a sentence, perhaps a log's tail."""


class Child:
    """A running child process with its log file; a context manager that stops it.

    On Linux the kernel sends `death_signal` to the child when this process dies, even by SIGKILL. That signal is tied
    to the *thread* that forked, so children can only be started from the main thread.

    The child leads its own session: a terminal's Ctrl+C reaches this process alone, which stops its children in order.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path = ROOT,
        account: pwd.struct_passwd | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 5,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        """Start `argv` with its output in `log` (emptied first), as `account` when given (root only).

        `environment` is added to the few inherited variables. `stop` sends `stop_signal`, and SIGKILL to whatever of
        the child's process group is left after `stop_seconds`.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "start children from the main thread: PR_SET_PDEATHSIG fires when the starting thread ends"
            )
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        self._stop_seconds = stop_seconds
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        parent = os.getpid()
        # Python drops an exception that a signal raises while it forks, and nobody would stop this child.
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)

        def bind_to_parent() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            # Runs in the child after its change of user, which would clear the death signal.
            if _libc is not None:
                _libc.prctl(PR_SET_PDEATHSIG, int(death_signal))
                # The parent died before the line above: nobody will send the signal.
                if os.getppid() != parent:
                    os._exit(1)

        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as output:
                self._process = subprocess.Popen(
                    [os.fspath(word) for word in argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=directory,
                    env=inherited | dict(environment or {}),
                    start_new_session=True,
                    user=account.pw_uid if account else None,
                    group=account.pw_gid if account else None,
                    extra_groups=[] if account else None,
                    preexec_fn=bind_to_parent,
                )
        finally:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            except BaseException:
                self.stop()
                raise

    @property
    def pid(self) -> int:
        """Return the process id, which is also the id of the child's process group."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return the exit status, negative for a signal; None while the child runs."""
        return self._process.poll()

    def wait(self, seconds: float = 15) -> None:
        """Wait for a child that was ended in another way than by `stop`; nothing of it is left then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.stop()

    def finish(self, seconds: float = 60) -> None:
        """Wait for a child that does one job and ends. Raise StartFailed if it fails or takes longer."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise StartFailed(
                f"{self.name} was not done within {seconds:g} seconds{self.tail()}"
            ) from None
        finally:
            self.stop()
        if status != 0:
            raise self.death()

    def death(self) -> StartFailed:
        """Return an error that says how this child ended, with the end of its log."""
        status = self.exit_status()
        how = (
            f"was ended by {signal.Signals(-status).name}"
            if status is not None and status < 0
            else f"ended with status {status}"
        )
        return StartFailed(f"{self.name} {how}{self.tail()}")

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of the log, indented and introduced by its path, to be added to a message."""
        written = self.log.read_text(errors="replace").splitlines()[-lines:]
        return (
            f"; its log {self.log} ends:\n" + "\n".join(f"    {line}" for line in written)
            if written
            else "; it wrote nothing"
        )

    def stop(self) -> None:
        """Stop the child and what is left of its process group; harmless if it has ended already."""
        if self.exit_status() is None:
            self._process.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._stop_seconds)
        with contextlib.suppress(
            ProcessLookupError, PermissionError
        ):  # macOS answers EPERM for a group of zombies
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def wait_for(child: Child, missing: Callable[[], str | None], *, seconds: float = 30) -> None:
    """Wait until `missing` returns None instead of what is still missing.

    If `child` dies or the time is up, stop it and raise StartFailed with the log's tail.
    """
    deadline = time.monotonic() + seconds
    try:
        while (reason := missing()) is not None:
            if child.exit_status() is not None:
                raise child.death()
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"{child.name} was not ready within {seconds:g} seconds: {reason}{child.tail()}"
                )
            time.sleep(0.03)
    except BaseException:
        child.stop()
        raise


def port_is_taken(port: int) -> bool:
    """Return whether something on this machine listens on `port` where `localhost` would reach it."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            probe.settimeout(1)
            if probe.connect_ex((host, port)) == 0:
                return True
    # Bound but not listening, or reserved: only an attempt to bind shows it. Connections of a server that stopped a
    # moment ago (TIME_WAIT) are no obstacle to the next one, hence SO_REUSEADDR.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_port() -> int:
    """Return a port that nothing listens on, below 32768: the kernel gives higher ones to outgoing connections."""
    for _ in range(100):
        port = random.randrange(20_000, 32_000)  # noqa: S311
        if not port_is_taken(port):
            return port
    raise StartFailed("found no free port between 20000 and 32000")
