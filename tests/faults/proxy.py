"""A TCP proxy that reads PostgreSQL's protocol: it cuts or stalls a connection at any message.

Messages are numbered in the order in which they come, in both directions and over all connections. A
rule decides about each. Framing: PostgreSQL's documentation, "Message Formats"; nothing encrypted.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Self

Verdict = Enum("Verdict", ["PASS", "CUT", "STALL"])


Side = Enum("Side", ["CLIENT", "SERVER"])


@dataclass(frozen=True)
class Message:
    """A message: its number, its sender, and its type byte ("startup" for the first, which has none)."""

    number: int
    sender: Side
    kind: str


Rule = Callable[[Message], Verdict]


def let_pass(_: Message) -> Verdict:
    """Let everything pass."""
    return Verdict.PASS


def cut_all(_: Message) -> Verdict:
    """Cut every connection, new ones at their first message: a server that is gone."""
    return Verdict.CUT


def stall_all(_: Message) -> Verdict:
    """Hold everything until another rule comes: a frozen server."""
    return Verdict.STALL


def cut_at(number: int) -> Rule:
    """Cut once, before message `number` passes."""
    return lambda message: Verdict.CUT if message.number == number else Verdict.PASS


def stall_on(kind: str) -> Rule:
    """Hold every message of a type that the server sends: "D" is a row of a result."""
    return lambda message: (
        Verdict.STALL if (message.kind, message.sender) == (kind, Side.SERVER) else Verdict.PASS
    )


class Proxy:
    """Listens on a port of its own before the server on `target_port`; a context manager.

    `messages` and `cuts` count since `follow` was last called.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._rule: Rule = let_pass
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.messages: list[Message] = []
        self.cuts = 0
        _run_in_thread(self._accept)

    def follow(self, rule: Rule) -> None:
        """Decide by `rule` from now on, about held messages too."""
        with self._changed:
            self._rule, self.messages, self.cuts = rule, [], 0
            if rule is cut_all:
                # Idle connections have no next message by which they would notice.
                _shut_down(*self._open)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A thread blocked in accept() keeps a merely closed socket listening.
        _shut_down(self._listener)
        self._listener.close()
        self.follow(cut_all)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                _run_in_thread(self._serve, self._listener.accept()[0])

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self._target_port))
            with server:
                pair = {client, server}
                for end in pair:
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._changed:
                    self._open |= pair
                back = _run_in_thread(self._pump, Side.SERVER, server, client)
                self._pump(Side.CLIENT, client, server)
                back.join()
                with self._changed:
                    self._open -= pair

    def _pump(self, sender: Side, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            for kind, data in _read_messages(source, sender):
                if not self._passes(sender, kind):
                    break
                target.sendall(data)
        _shut_down(source, target)

    def _passes(self, sender: Side, kind: str) -> bool:
        with self._changed:
            message = Message(len(self.messages), sender, kind)
            self.messages.append(message)
            while (verdict := self._rule(message)) is Verdict.STALL:
                self._changed.wait()
            self.cuts += verdict is Verdict.CUT
            return verdict is Verdict.PASS


def _read_messages(source: socket.socket, sender: Side) -> Iterator[tuple[str, bytes]]:
    """Return the type and the bytes of each message until the connection ends."""
    with source.makefile("rb") as file:
        kind = b"" if sender is Side.CLIENT else file.read(1)
        while length := file.read(4):
            rest = file.read(int.from_bytes(length) - 4)
            yield kind.decode("ascii") or "startup", kind + length + rest
            kind = file.read(1)


def _run_in_thread(work: Callable, *args: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=args, daemon=True)
    thread.start()
    return thread


def _shut_down(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
