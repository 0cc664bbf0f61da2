"""A connection to a server over which a Cookie header goes as it is, byte for byte."""

import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Self

SECONDS = 20


@dataclass(frozen=True)
class Answer:
    """What came back; a server that hangs up without a word gives status 0."""

    status: int
    body: str
    headers: dict[str, str]


class Line:
    """Asks for one path again and again, on one connection as long as the server keeps it."""

    def __init__(self, port: int, path: str) -> None:
        self._address = ("127.0.0.1", port)
        self._head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n".encode()
        self._socket: socket.socket | None = None

    def ask(self, *cookie_lines: bytes) -> Answer:
        """Send the request with these Cookie headers."""
        cookies = b"".join(b"Cookie: " + line + b"\r\n" for line in cookie_lines)
        kept = self._socket is not None
        try:
            return self._exchange(self._head + cookies + b"\r\n")
        except (HTTPException, ConnectionError):
            self.close()
            if not kept:
                return Answer(0, "", {})
        # A kept connection may have been closed for its age.
        return self.ask(*cookie_lines)

    def _exchange(self, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        with HTTPResponse(self._socket) as response:
            response.begin()
            body = response.read().decode()
            if response.will_close:
                self.close()
            return Answer(response.status, body, dict(response.headers))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
