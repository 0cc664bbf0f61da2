"""Requests as bytes: what no HTTP library would send, to the app as it is deployed.

Half of the connection is closed after the last byte, so the server answers all that it took for a
request and then closes the other half. What comes back is therefore all that will ever come.
"""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n")
# Far beyond what any answer needs; a server that hangs fails the test instead of stopping it.
PATIENCE_S = 15


@dataclass(frozen=True)
class Answer:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def send(address: str, *pieces: bytes) -> list[Answer]:
    """Send the bytes to the server at `address`; return every answer, in order.

    Raise AssertionError when what comes back isn't a sequence of whole answers.
    """
    parts = urlsplit(address)
    with socket.create_connection(("127.0.0.1", parts.port or 80), PATIENCE_S) as connection:
        received = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
        except OSError:
            # It refused and closed before everything was sent; what it said until then counts.
            pass
    return answers_in(received)


def answers_in(received: bytes) -> list[Answer]:
    """Split what a server sent into its answers, by their Content-Length."""
    answers = []
    while received:
        start = _STATUS.match(received)
        head, separator, rest = received.partition(b"\r\n\r\n")
        assert start, f"no status line: {received[:200]!r}"
        assert separator, f"no end of the headers: {received[:200]!r}"
        lines = head.decode("latin-1").split("\r\n")[1:]
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }
        status = int(start[1])
        length = int(headers.get("content-length", "0")) if status not in (100, 204, 304) else 0
        assert len(rest) >= length, f"cut short: {received[:200]!r}"
        answers.append(Answer(status, headers, rest[:length]))
        received = rest[length:]
    return answers


def request(method: str, target: str, lines: Sequence[str], body: bytes = b"") -> bytes:
    """Return a request with these header lines, byte for byte as they stand here (ISO 8859-1)."""
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines])
    return f"{head}\r\n\r\n".encode("latin-1") + body
