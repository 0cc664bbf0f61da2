"""The network of a test: host names of our own, with TLS, for a browser that is told to use a proxy.

A browser asks the proxy to CONNECT to a name and port. We answer in that name's place, with a
certificate of a CA made for the run, and pass what comes through to a plain-http server here.
"""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import trustme


class TlsProxy:
    """The proxy; `routes` leads from "host:port", as a browser would connect, to a port here."""

    def __init__(self) -> None:
        self.routes: dict[str, int] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._authority = trustme.CA()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def route(self, host: str, to: int, port: int = 443) -> str:
        """Lead a name to a port here from now on; return its origin."""
        self.routes[f"{host}:{port}"] = to
        if host not in self._contexts:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return f"https://{host}" + ("" if port == 443 else f":{port}")

    def run(self) -> Iterator["TlsProxy"]:
        threading.Thread(target=self._accept, daemon=True).start()
        yield self
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                received = client.recv(4096)
                if not received:
                    return
                head += received
            method, target = head.split(b" ", 2)[:2]
            name = target.decode("ascii", "replace")
            if method != b"CONNECT" or name not in self.routes:
                # A browser's own errands go nowhere.
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with (
                self._contexts[name.partition(":")[0]].wrap_socket(client, server_side=True) as tls,
                socket.create_connection(("127.0.0.1", self.routes[name])) as server,
            ):
                threading.Thread(target=_pass_on, args=(server, tls), daemon=True).start()
                _pass_on(tls, server)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ssl.SSLError, ValueError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
