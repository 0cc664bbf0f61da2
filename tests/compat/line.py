"""A connection to a server over which a Cookie header goes as it is, byte for byte."""

import socket
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple, Self

TIMEOUT_S = 30


class Response(NamedTuple):
    """A server's response; one that closes the connection instead has status 0."""

    status: int
    body: str


class Line:
    """Requests one path over and over, on one connection as long as the server keeps it."""

    def __init__(self, port: int, path: str) -> None:
        self._address = ("127.0.0.1", port)
        self._head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n".encode()
        self._socket: socket.socket | None = None

    def request(self, *cookies: bytes) -> Response:
        """Send the request with these Cookie headers."""
        is_reused = self._socket is not None
        lines = b"".join(b"Cookie: " + cookie + b"\r\n" for cookie in cookies)
        try:
            return self._exchange(self._head + lines + b"\r\n")
        except (HTTPException, ConnectionError):
            self.close()
        # A connection that was kept may have been closed for its age.
        return self.request(*cookies) if is_reused else Response(0, "")

    def _exchange(self, request: bytes) -> Response:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, TIMEOUT_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        with HTTPResponse(self._socket) as response:
            response.begin()
            body = response.read().decode()
            if response.will_close:
                self.close()
            return Response(response.status, body)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
