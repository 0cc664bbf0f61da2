"""Two ways to the app: through nginx, as browsers come, and straight to the instances' sockets."""

import os
import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.stress.crowd import Reply

HOST = "onboarding.example.com"


class ThroughNginx:
    """A connection kept open, over TLS; what fails, fails."""

    def __init__(self, port: int, authority: ssl.SSLContext, source: str = "127.0.0.1") -> None:
        self._connection = _Named(port, authority, source)

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Reply:
        return _ask(self._connection, method, path, headers, body)

    def close(self) -> None:
        self._connection.close()


class StraightTo:
    """Connections kept open to instances by turns; like nginx it asks the next when one is gone."""

    def __init__(self, sockets: Sequence[Path], patience_s: float = 30) -> None:
        self._connections = [_Socket(path, patience_s) for path in sockets]

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Reply:
        self._connections.append(self._connections.pop(0))
        for connection in (*self._connections, *self._connections):
            try:
                return _ask(connection, method, path, headers, body)
            except (OSError, HTTPException) as error:
                connection.close()
                last = error
        raise last

    def close(self) -> None:
        for connection in self._connections:
            connection.close()


def _ask(
    connection: HTTPConnection, method: str, path: str, headers: dict[str, str], body: str
) -> Reply:
    connection.request(method, path, body or None, {"Host": HOST, **headers})
    answer = connection.getresponse()
    text = answer.read().decode()
    return Reply(
        answer.status, {name.lower(): value for name, value in answer.headers.items()}, text
    )


class _Socket(HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__(HOST, timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self.path))


class _Named(HTTPConnection):
    """HTTPS to our own machine by the name that the certificate is for."""

    def __init__(self, port: int, authority: ssl.SSLContext, source: str) -> None:
        super().__init__(HOST, timeout=30, source_address=(source, 0))
        self._address = ("127.0.0.1", port)
        self._authority = authority

    def connect(self) -> None:
        plain = socket.create_connection(self._address, self.timeout, self.source_address)
        self.sock = self._authority.wrap_socket(plain, server_hostname=HOST)
