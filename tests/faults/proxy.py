"""A TCP proxy that reads PostgreSQL's wire protocol: it cuts or stalls a connection at any message.

Messages are numbered in the order in which they pass, in both directions and over all connections.
A rule decides about each: let it pass, cut its connection before it passes, or hold it until another
rule says otherwise. Framing: PostgreSQL's documentation, "Message Formats".
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Self

Verdict = Enum("Verdict", ["PASS", "CUT", "STALL"])


class Side(Enum):
    """Who sends a message."""

    CLIENT = auto()
    SERVER = auto()


@dataclass(frozen=True)
class Message:
    """One message: its number, who sends it, and its type byte as text.

    Three have none: "startup", "request" (for encryption, or to cancel) and "refusal" of encryption.
    """

    number: int
    sender: Side
    kind: str


Rule = Callable[[Message], Verdict]


def let_pass(_: Message) -> Verdict:
    """Let everything pass: as if there were no proxy."""
    return Verdict.PASS


def cut_all(_: Message) -> Verdict:
    """Cut every connection at its next message, new ones at their first: a server that is gone."""
    return Verdict.CUT


def stall_all(_: Message) -> Verdict:
    """Hold everything: a server, or a pooler, that is frozen."""
    return Verdict.STALL


def cut_at(number: int) -> Rule:
    """Cut once, before message `number` passes."""
    return lambda message: Verdict.CUT if message.number == number else Verdict.PASS


def stall_at(number: int) -> Rule:
    """Hold message `number`, and with it what follows on its connection."""
    return lambda message: Verdict.STALL if message.number == number else Verdict.PASS


def stall_on(kind: str, sender: Side = Side.SERVER) -> Rule:
    """Hold every message of a type: "D" of the server is a row of a result."""
    return lambda message: (
        Verdict.STALL if (message.kind, message.sender) == (kind, sender) else Verdict.PASS
    )


class Proxy:
    """Listens on a port of its own before the server on `target_port`; a context manager."""

    def __init__(self, target_port: int, rule: Rule = let_pass) -> None:
        self._target_port = target_port
        self._rule = rule
        self._turn = threading.Condition()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.messages: list[Message] = []
        """All that came since `follow` was last called, whether it passed or not."""
        self.cuts = 0
        """How many connections were cut since then."""
        threading.Thread(target=self._accept, daemon=True).start()

    def follow(self, rule: Rule) -> None:
        """Decide by `rule` from now on, about held messages too; counts messages and cuts anew."""
        with self._turn:
            self._rule, self.messages, self.cuts = rule, [], 0
            if rule is cut_all:
                # Idle connections have no next message by which they would notice.
                self._drop(*self._open)
            self._turn.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # A thread blocked in accept() keeps a merely closed socket listening.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.follow(cut_all)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self._target_port))
            except OSError:
                return
            with server:
                for end in (client, server):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._turn:
                    self._open |= {client, server}
                pair = client, server
                encrypts = threading.Event()
                back = threading.Thread(
                    target=self._pump,
                    args=[pair, Side.SERVER, _from_server(server, encrypts)],
                    daemon=True,
                )
                back.start()
                self._pump(pair, Side.CLIENT, _from_client(client, encrypts))
                back.join()
                with self._turn:
                    self._open -= {client, server}

    def _pump(
        self,
        pair: tuple[socket.socket, socket.socket],
        sender: Side,
        messages: Iterator[tuple[str, bytes]],
    ) -> None:
        receiver = pair[1] if sender is Side.CLIENT else pair[0]
        with contextlib.suppress(OSError, EOFError):
            for kind, data in messages:
                if not self._passes(sender, kind, pair):
                    return
                receiver.sendall(data)
        self._drop(*pair)

    def _passes(self, sender: Side, kind: str, pair: tuple[socket.socket, socket.socket]) -> bool:
        with self._turn:
            message = Message(len(self.messages), sender, kind)
            self.messages.append(message)
            while (verdict := self._rule(message)) is Verdict.STALL:
                self._turn.wait()
            if verdict is Verdict.CUT:
                self.cuts += 1
                self._drop(*pair)
            return verdict is Verdict.PASS

    @staticmethod
    def _drop(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


# The codes that stand in a startup message's place (src/include/libpq/pqcomm.h).
_CANCEL, _SSL, _GSS = 80877102, 80877103, 80877104


def _from_client(client: socket.socket, encrypts: threading.Event) -> Iterator[tuple[str, bytes]]:
    while True:
        head = _exactly(client, 8)
        length, code = int.from_bytes(head[:4]), int.from_bytes(head[4:])
        if code in (_SSL, _GSS):
            # Set before it passes on: the server answers with one byte.
            encrypts.set()
        data = head + _exactly(client, length - 8)
        if code not in (_SSL, _GSS, _CANCEL):
            break
        yield "request", data
    yield "startup", data
    while True:
        yield _framed(client)


def _from_server(server: socket.socket, encrypts: threading.Event) -> Iterator[tuple[str, bytes]]:
    while True:
        kind = _exactly(server, 1)
        if encrypts.is_set() and kind in (b"S", b"N", b"G"):
            encrypts.clear()
            # What is encrypted can't be read.
            yield "refusal", b"N"
            if kind != b"N":
                raise EOFError("the server would encrypt: use sslmode=disable")
            continue
        yield _framed(server, kind)


def _framed(sender: socket.socket, kind: bytes = b"") -> tuple[str, bytes]:
    kind = kind or _exactly(sender, 1)
    head = _exactly(sender, 4)
    return kind.decode("ascii"), kind + head + _exactly(sender, int.from_bytes(head) - 4)


def _exactly(sender: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sender.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data
