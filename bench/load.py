"""A load client on one core: raw sockets, prepared requests, one loop. It takes some 20 µs a request."""

import select
import socket
import time
from collections.abc import Iterable, Sequence
from itertools import cycle, islice

CONNECTIONS = 8
TIMEOUT_S = 10


class LoadError(Exception):
    """A server gave another answer than expected, or none."""


class Connection:
    """A connection with at most one request under way, and its last answer."""

    def __init__(self, port: int, status: int | None = None) -> None:
        """Connect; every answer but one of `status`, if given, is an error."""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = b""
        self._expected = f"HTTP/1.1 {status or ''}".encode()
        self._received = b""
        self._sent = 0.0

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._sent = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> float | None:
        """Read what has come; return the milliseconds since `send` once the answer is complete."""
        data = self.socket.recv(65536)
        if not data:
            raise LoadError("the server closed the connection")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        head = head.lower()
        at = head.find(b"content-length:")
        if at >= 0:
            complete = len(body) >= int(head[at + 15 :].split(b"\r\n", 1)[0])
        else:
            complete = b"transfer-encoding: chunked" not in head or body.endswith(b"0\r\n\r\n")
        if not separator or not complete:
            return None
        latency_ms = (time.perf_counter() - self._sent) * 1000
        if not self._received.startswith(self._expected):
            raise LoadError(f"expected {self._expected!r}, got {self._received[:2000]!r}")
        self.answer, self._received = self._received, b""
        return latency_ms

    def fetch(self, request: bytes) -> float:
        """Send a request and wait for its answer; return the milliseconds."""
        self.send(request)
        while (latency_ms := self.receive()) is None:
            pass
        return latency_ms


def fetch_all(port: int, requests: Iterable[bytes], status: int) -> tuple[list[bytes], list[float]]:
    """Send requests one after the other; return the answers, head and body, and latencies in ms."""
    connection = Connection(port, status)
    fetched = [(connection.fetch(request), connection.answer) for request in requests]
    connection.socket.close()
    return [answer for _, answer in fetched], [latency_ms for latency_ms, _ in fetched]


def saturate(
    port: int,
    requests: Sequence[bytes],
    status: int,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    once: bool = False,
) -> list[float]:
    """Send requests in turn, or each only `once`, as fast as the answers come; return latencies in ms."""
    feed = iter(requests) if once else cycle(requests)
    opened = {
        one.socket.fileno(): one for one in (Connection(port, status) for _ in range(connections))
    }
    poll = select.epoll()
    end, waiting, latencies_ms = time.perf_counter() + seconds, 0, list[float]()
    for connection, request in zip(opened.values(), islice(feed, connections), strict=False):
        poll.register(connection.socket, select.EPOLLIN)
        connection.send(request)
        waiting += 1
    while waiting:
        ready = poll.poll(TIMEOUT_S)
        if not ready:
            raise LoadError(f"no answer within {TIMEOUT_S} s")
        for number, _ in ready:
            latency_ms = opened[number].receive()
            if latency_ms is not None:
                latencies_ms.append(latency_ms)
                following = next(feed, None) if time.perf_counter() < end else None
                if following is None:
                    waiting -= 1
                else:
                    opened[number].send(following)
    poll.close()
    for connection in opened.values():
        connection.socket.close()
    return latencies_ms
