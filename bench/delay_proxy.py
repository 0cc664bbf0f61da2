"""A TCP proxy on a port of its own, in threads of this process: its target is a round trip away.

A message that comes while the one before it is under way waits for that one, too.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import Any


def start_delay_proxy(target: int, round_trip_s: float) -> int:
    """Relay to a port until this process ends; return the proxy's port."""
    listener = socket.create_server(("127.0.0.1", 0))
    _start(_accept, listener, target, round_trip_s)
    port: int = listener.getsockname()[1]
    return port


def _start(function: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()


def _accept(listener: socket.socket, target: int, round_trip_s: float) -> None:
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", target))
        _start(_relay, client, server, round_trip_s / 2)
        _start(_relay, server, client, round_trip_s / 2)


def _relay(source: socket.socket, sink: socket.socket, delay_s: float) -> None:
    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            time.sleep(delay_s)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
