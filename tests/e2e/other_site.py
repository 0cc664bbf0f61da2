"""A web server of somebody else's: another origin at localhost, another site at 127.0.0.1."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class OtherSite:
    """Serves the pages that a test writes."""

    def __init__(self) -> None:
        pages: dict[str, tuple[str, dict[str, str]]] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page, headers = pages.get(self.path.partition("?")[0], (None, {}))
                status = 404 if page is None else 302 if "Location" in headers else 200
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write((page or "").encode())

            def log_message(self, *_: object) -> None:
                pass

        self._pages = pages
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port

    def origin(self, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}"

    def serve(
        self, html: str, host: str = "localhost", headers: dict[str, str] | None = None
    ) -> str:
        """Serve a page from now on, a redirect with `Location`; return its URL under `host`."""
        path = f"/{len(self._pages)}"
        self._pages[path] = html, headers or {}
        return self.origin(host) + path

    def run(self) -> Iterator["OtherSite"]:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        yield self
        self._server.shutdown()
        self._server.server_close()
