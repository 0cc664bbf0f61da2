"""PgBouncer in transaction mode, as Neon and others put it before their databases.

No wheel holds it: it is Debian's package, which `make stress` installs.
"""

import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from devstack.binaries import reaches, server_account
from devstack.postgres import Postgres
from devstack.processes import Child, StartFailed, free_port, wait_for

# Fewer connections to the server than clients have: transactions of one client land on several.
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home}/users
stats_users = postgres
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
query_wait_timeout = 120
server_login_retry = 1
log_connections = 0
log_disconnections = 0
"""
NOT_INSTALLED = (
    "no pgbouncer: install the package of that name, as `make stress` does on Debian and Ubuntu"
)


@dataclass
class PgBouncer:
    """A running pooler before one server."""

    server: Postgres
    port: int
    child: Child
    _home: Path
    _account: pwd.struct_passwd | None

    def url(self, database: str) -> str:
        """Return the connection URL of `database` through the pooler."""
        parts = urlsplit(self.server.url(database))
        name_and_password = parts.netloc.partition("@")[0]
        return parts._replace(netloc=f"{name_and_password}@127.0.0.1:{self.port}").geturl()

    def transactions(self) -> int:
        """Return how many transactions it has passed on since it was started."""
        with psycopg.connect(self.url("pgbouncer"), autocommit=True) as console:
            stats = console.execute("SHOW STATS")
            names = [column.name for column in stats.description or ()]
            return sum(int(dict(zip(names, row, strict=True))["total_xact_count"]) for row in stats)

    def kill(self) -> None:
        """Kill it, its connections with it."""
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.wait()

    def freeze(self) -> None:
        """Stop it by SIGSTOP: the kernel goes on accepting connections, and nobody answers."""
        os.kill(self.child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.child.pid, signal.SIGCONT)

    def start_again(self) -> None:
        """Start the killed pooler on the same port, and wait until it answers."""
        self.child = _launch(self._home, self._account)
        wait_for(self.child, self.missing)

    def missing(self) -> str | None:
        """Return why it isn't ready, None when it is; for `wait_for`."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None


@contextmanager
def temporary(server: Postgres, *, pool_size: int = 4) -> Iterator[PgBouncer]:
    """Run a pooler before `server`; `pool_size` is its connections to the server, for each database.

    Raise StartFailed if PgBouncer isn't installed.
    """
    if _binary() is None:
        raise StartFailed(NOT_INSTALLED)
    # It refuses to run as root, like the server.
    account = server_account()
    roots = dict.fromkeys((tempfile.gettempdir(), "/var/tmp"))  # noqa: S108  (the name in it is random)
    root = next((root for root in roots if reaches(account, Path(root))), None)
    with tempfile.TemporaryDirectory(prefix="devstack-pgbouncer-", dir=root) as directory:
        home, port = Path(directory), free_port()
        files = {
            "pgbouncer.ini": CONFIGURATION.format(
                home=home, port=port, server_port=server.port, pool_size=pool_size
            ),
            "users": f'"postgres" "{server.password}"\n',
        }
        for name, text in files.items():
            (home / name).touch(mode=0o600)
            (home / name).write_text(text)
        if account:
            for path in (home, *home.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        pooler = PgBouncer(server, port, _launch(home, account), home, account)
        try:
            wait_for(pooler.child, pooler.missing)
            yield pooler
        finally:
            pooler.child.stop()


def _binary() -> str | None:
    # Debian puts servers where PATH may not look.
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


def _launch(home: Path, account: pwd.struct_passwd | None) -> Child:
    return Child(
        "PgBouncer",
        [_binary() or "pgbouncer", home / "pgbouncer.ini"],
        log=home / "pgbouncer.log",
        directory=home,
        account=account,
        # SIGTERM is a shutdown at once.
        stop_signal=signal.SIGTERM,
    )
