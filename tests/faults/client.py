"""Asks over raw connections, one each, so that whatever goes wrong on one is seen and counted."""

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

TIMEOUT_S = 60


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to its end, in a thread of its own: this one may have a loop, a browser's."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@dataclass(frozen=True)
class Answer:
    """What came back: `status` 0 when nothing did; `seconds` until then; `at`, by `time.monotonic`."""

    status: int
    headers: Mapping[str, str]
    body: str
    seconds: float
    at: float

    @property
    def location(self) -> str:
        """Where a redirect leads."""
        return self.headers.get("Location", "")


async def ask(
    port: int,
    path: str,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Answer:
    """GET `path`, or POST `form` to it, at a port of this machine."""
    body = urlencode(form).encode() if form is not None else b""
    more = {"Connection": "close"}
    if form is not None:
        more |= {
            "Content-Type": "application/x-www-form-urlencoded",
            "Content-Length": str(len(body)),
        }
    head = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **more}.items())
    method = "GET" if form is None else "POST"
    request = f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _exchange(port, request)
    except (OSError, TimeoutError):
        answer = b""
    at = time.monotonic()
    head_read, _, content = answer.partition(b"\r\n\r\n")
    first, *lines = head_read.decode("latin-1").split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    whole = int(fields.get("Content-Length", "0")) == len(content)
    status = int(first.split()[1]) if whole and first.startswith("HTTP/1.1 ") else 0
    return Answer(status, fields, content.decode(), at - began, at)


async def _exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
