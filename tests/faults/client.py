"""A client with a connection for each request, so that whatever goes wrong on one is seen and counted."""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

TIMEOUT_S = 60


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in a thread of its own: pytest's may have an event loop, a browser's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass(frozen=True)
class Response:
    """A response: `status` is 0 if none came; `began` and `ended` on the clock of the event loop."""

    status: int
    headers: Mapping[str, str]
    body: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


async def fetch(
    port: int,
    path: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Response:
    """GET `path`, or POST `form` to it, at a port of this machine."""
    head, body = {**headers, "Connection": "close"}, b""
    if form is not None:
        body = urlencode(form).encode()
        head["Content-Type"] = "application/x-www-form-urlencoded"
        head["Content-Length"] = str(len(body))
    lines = [f"{'GET' if form is None else 'POST'} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(timeout_s):
            received = await _exchange(port, "\r\n".join([*lines, "", ""]).encode() + body)
    except (OSError, TimeoutError):
        received = b""
    first, *fields = received.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    content = received.partition(b"\r\n\r\n")[2]
    found = dict(field.split(": ", 1) for field in fields)
    is_whole = first and int(found.get("Content-Length", "0")) == len(content)
    status = int(first.split()[1]) if is_whole else 0
    return Response(status, found, content.decode(), began, clock())


def fetch_all(requests: Iterable[tuple[Any, ...]], at_once: int = 16) -> list[Response]:
    """Send requests, each the arguments of `fetch`, so many at once; return the responses in order."""

    async def send() -> list[Response]:
        limit = asyncio.Semaphore(at_once)

        async def one(request: tuple[Any, ...]) -> Response:
            async with limit:
                return await fetch(*request)

        return await asyncio.gather(*map(one, requests))

    return run(send())


@contextmanager
def fetching(pause_s: float, *request: Any) -> Iterator[Future[list[Response]]]:
    """Send a request again and again; what is yielded has the responses after the context."""
    stopped = threading.Event()

    async def send() -> list[Response]:
        sent = []
        while not stopped.is_set():
            sent.append(asyncio.create_task(fetch(*request)))
            await asyncio.sleep(pause_s)
        return await asyncio.gather(*sent)

    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(asyncio.run, send())
        try:
            yield sending
        finally:
            stopped.set()


async def _exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(request)
        await writer.drain()
        return await reader.read()
