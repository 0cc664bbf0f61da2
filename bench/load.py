"""A client that keeps a server busy from one core: raw sockets, ready-made bytes, one loop.

It must not be what is measured: it takes some 20 µs a request of its own core, and `Burst.own_cpu_s`
tells how much it was.
"""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self

# As many as gunicorn has threads here: more would only measure the queue before it.
CONNECTIONS = 8
# An answer takes a few ms; one that isn't there by then never comes.
PATIENCE_S = 10


class LoadFailed(Exception):
    """A server answered otherwise than it should, or not at all."""


@dataclass
class Burst:
    """What came back: seconds from sending until the whole answer was there, one for each request."""

    latencies_s: list[float] = field(default_factory=list)
    seconds: float = 0
    own_cpu_s: float = 0
    failed: int = 0
    """Requests without a whole answer; only where they were to be counted."""

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The time that so many percent of the answers took at most, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def saturate(
    port: int,
    requests: Sequence[bytes],
    status: int,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    once: bool = False,
) -> Burst:
    """Send as fast as the answers come, each connection one request at a time.

    `requests` are sent in turn, over and over, or each only `once`. Raises `LoadFailed` at the first
    answer without this `status`.
    """
    feed = iter(requests) if once else cycle(requests)
    burst, own = Burst(), time.process_time()
    poll, lines = select.epoll(), {}
    for _ in range(connections):
        line = _Line(port, status)
        lines[line.socket.fileno()] = line
        poll.register(line.socket, select.EPOLLIN)
    started = time.perf_counter()
    end = started + seconds
    waiting = sum(line.send(feed) for line in lines.values())
    while waiting:
        ready = poll.poll(PATIENCE_S)
        if not ready:
            raise LoadFailed("no answer")
        for number, _ in ready:
            line = lines[number]
            took = line.receive()
            if took is None:
                continue
            burst.latencies_s.append(took)
            waiting -= 1
            if line.is_closing:
                poll.unregister(line.socket)
                del lines[number]
                line.reopen()
                lines[line.socket.fileno()] = line
                poll.register(line.socket, select.EPOLLIN)
            if time.perf_counter() < end:
                waiting += line.send(feed)
    burst.seconds = time.perf_counter() - started
    burst.own_cpu_s = time.process_time() - own
    poll.close()
    for line in lines.values():
        line.socket.close()
    return burst


def paced(
    port: int,
    requests: Sequence[bytes],
    status: int,
    *,
    seconds: float,
    per_second: float,
    count_failures: bool = False,
) -> Burst:
    """Send so many requests a second at even distances, whether answers come or not.

    A request that finds every connection waiting gets a new one, so a slow answer delays none behind
    it. `select`, since epoll waits for whole milliseconds.
    """
    feed, burst = cycle(requests), Burst()
    free: list[_Line] = []
    busy: dict[socket.socket, _Line] = {}
    started = time.perf_counter()
    due, end = started, started + seconds
    while due < end or busy:
        now = time.perf_counter()
        if now > end + PATIENCE_S:
            if not count_failures:
                raise LoadFailed("no answer")
            burst.failed += len(busy)
            break
        if due <= now and due < end:
            due += 1 / per_second
            try:
                line = free.pop() if free else _Line(port, status)
                line.send(feed)
                busy[line.socket] = line
            except OSError:
                if not count_failures:
                    raise
                burst.failed += 1
            continue
        wait = max(0, due - now) if due < end else 0.1
        for ready in select.select(list(busy), [], [], wait)[0]:
            line = busy[ready]
            try:
                took = line.receive()
            except (LoadFailed, OSError):
                if not count_failures:
                    raise
                burst.failed += 1
                del busy[ready]
                ready.close()
                continue
            if took is not None:
                burst.latencies_s.append(took)
                del busy[ready]
                if line.is_closing:
                    line.reopen()
                free.append(line)
    burst.seconds = time.perf_counter() - started
    for line in free:
        line.socket.close()
    return burst


def ask(port: int, requests: Sequence[bytes], status: int) -> bytes:
    """Send some requests one after the other; gives the last answer, head and body."""
    line, feed = _Line(port, status), iter(requests)
    while line.send(feed):
        while line.receive() is None:
            pass
        if line.is_closing:
            line.reopen()
    line.socket.close()
    return line.answer


class _Line:
    """One connection, with at most one request on its way."""

    def __init__(self, port: int, status: int) -> None:
        self._port = port
        self._expected = f"HTTP/1.1 {status}".encode()
        self._sent = 0.0
        self._received = b""
        self.answer = b""
        self.is_closing = False
        self.socket = self._opened()

    def send(self, feed: Iterator[bytes]) -> bool:
        """Send the next request; False when there is none."""
        request = next(feed, None)
        if request is None:
            return False
        self._sent = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> float | None:
        """Read what is there; give the seconds since `send` once the answer is whole."""
        data = self.socket.recv(65536)
        if not data:
            raise LoadFailed("the connection was closed in the middle")
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator:
            return None
        head = head.lower()
        at = head.find(b"content-length:")
        if at >= 0:
            if len(body) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
                return None
        elif b"transfer-encoding: chunked" in head and not body.endswith(b"0\r\n\r\n"):
            return None
        took = time.perf_counter() - self._sent
        if not self._received.startswith(self._expected):
            raise LoadFailed(f"expected {self._expected!r}, not {self._received[:2000]!r}")
        self.is_closing = b"connection: close" in head
        self.answer, self._received = self._received, b""
        return took

    def reopen(self) -> Self:
        """Connect anew, as gunicorn's sync worker makes every client do."""
        self.socket.close()
        self.socket = self._opened()
        return self

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port), PATIENCE_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened
