"""A main site that answers `get-session` as a test wants, and records its requests."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from onboarding.betterauth.cookie import ForwardedCookie, SessionCookie
from onboarding.betterauth.get_session import GetSession
from onboarding.betterauth.session import SignedIn

NAME = "better-auth.session_token"
SECRET = "a-test-secret-of-40-characters-or-more-00"
SIGNER = SessionCookie(NAME, SECRET)
COOKIE = ForwardedCookie(NAME)
# Long, for a busy machine; a test that waits for a silent site gives less.
TIMEOUT_S = 30
# The user in `session_body`.
SIGNED_IN = SignedIn(
    "u1", "Ada", "ada@example.test", banned=False, anonymous=False, impersonated=False
)


Answer = tuple[int, dict[str, str], bytes]


def signed(token: str) -> str:
    return f"{token}.{SIGNER.sign(token)}"


class FakeSite:
    """A main site whose `answer` a test sets; `requests` are the path and Cookie of each request."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Answer] = lambda _: json_answer(None)
        self.requests: list[tuple[str, str]] = []
        self.dropped_requests = 0
        self.seconds_a_byte = 0.0
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                cookie = self.headers.get("Cookie", "")
                site.requests.append((self.path, cookie))
                if site.dropped_requests:
                    site.dropped_requests -= 1
                    self.close_connection = True
                    return
                status, headers, body = site.answer(cookie)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    for byte in body if site.seconds_a_byte else (body,):
                        self.wfile.write(bytes([byte]) if site.seconds_a_byte else byte)
                        time.sleep(site.seconds_a_byte)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._clients = ExitStack()
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/auth/get-session"

    def run(self) -> Iterator["FakeSite"]:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        with self._clients:
            yield self
        self._server.shutdown()
        self._server.server_close()

    def client(self, cache_s: int = 10) -> GetSession:
        return self._clients.enter_context(closing(GetSession(self.url, COOKIE, cache_s)))


def json_answer(body: object, status: int = 200, **headers: str) -> Answer:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


def session_body(token: str, *, user: dict | None = None, session: dict | None = None) -> dict:
    """Return the body with which better-auth 1.7.25 answers."""
    ends = (datetime.now(UTC) + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    return {
        "session": {"token": token, "userId": "u1", "expiresAt": ends, **(session or {})},
        "user": {"id": "u1", "name": "Ada", "email": "ada@example.test", **(user or {})},
    }
