"""Two ways to the app: through nginx, as browsers come, and straight to the servers' sockets."""

import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

HOST = "onboarding.example.com"


@dataclass(frozen=True)
class Reply:
    """A response of the app, or of what stands before it; header names in small letters."""

    status: int
    headers: dict[str, str]
    text: str


class Line(HTTPConnection):
    """A connection that is kept open; what fails, fails."""

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Reply:
        self.request(method, path, body or None, {"Host": HOST, **headers})
        answer = self.getresponse()
        text = answer.read().decode()
        found = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, found, text)


class ThroughNginx(Line):
    """HTTPS to this machine by the name that the certificate is for; `source` is the client's address."""

    def __init__(self, port: int, authority: ssl.SSLContext, source: str = "127.0.0.1") -> None:
        super().__init__(HOST, timeout=30, source_address=(source, 0))
        self._address = ("127.0.0.1", port)
        self._authority = authority

    def connect(self) -> None:
        plain = socket.create_connection(self._address, self.timeout, self.source_address)
        self.sock = self._authority.wrap_socket(plain, server_hostname=HOST)


class _ToSocket(Line):
    def __init__(self, path: Path) -> None:
        super().__init__(HOST, timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self._path))


class StraightTo:
    """Connections to servers, by turns; like nginx it asks the next one when one is gone."""

    def __init__(self, sockets: Sequence[Path]) -> None:
        self._lines = [_ToSocket(path) for path in sockets]

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Reply:
        self._lines.append(self._lines.pop(0))
        for line in (*self._lines, *self._lines):
            try:
                return line.ask(method, path, headers, body)
            except (OSError, HTTPException) as error:
                line.close()
                last = error
        raise last

    def close(self) -> None:
        for line in self._lines:
            line.close()
