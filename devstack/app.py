"""The app under gunicorn, started as a child process the way it is deployed."""

import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from devstack.main_site import sign_in_url
from devstack.processes import Child, wait_for


@dataclass(frozen=True)
class App:
    """What one instance of the app is made of; the main site's side of the same is `main_site.MainSite`."""

    port: int
    database_url: str
    secret: str
    site_url: str
    """The main site's origin, which may also frame the app."""
    workers: int = 1
    settings: Mapping[str, str] | None = None
    """Further environment variables of the app."""
    owner_url: str | None = None
    """The database for the role that migrates, where it isn't the app's own."""
    entry: str = "wsgi:app"
    """What gunicorn serves, as module:name."""
    socket: Path | None = None
    """Listen on this Unix socket instead of the port, as behind the shipped nginx file."""

    @property
    def url(self) -> str:
        """The app's own URL and origin."""
        return f"http://localhost:{self.port}"

    def migrate(self, log: Path) -> None:
        """`alembic upgrade head`: our one table."""
        Child(
            "alembic upgrade head",
            [sys.executable, "-m", "alembic", "upgrade", "head"],
            log=log,
            environment={
                **self.environment(),
                "DATABASE_URL": self.owner_url or self.database_url,
            },
        ).finish()

    def start(self, log: Path) -> Child:
        """Start gunicorn and wait until the app says that it is ready, database and all."""
        app = Child(
            "the app",
            [sys.executable, "-m", "gunicorn", self.entry],
            log=log,
            environment=self.environment(),
            death_signal=signal.SIGQUIT,  # SIGKILL would leave gunicorn's workers behind for a while
        )
        wait_for(app, self._missing)
        return app

    def environment(self) -> dict[str, str]:
        """The app's settings as environment variables."""
        return {
            "BIND": f"unix:{self.socket}" if self.socket else f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": str(self.workers),
            "DATABASE_URL": self.database_url,
            "BETTER_AUTH_SECRET": self.secret,
            "BETTER_AUTH_URL": self.site_url,
            "APP_URL": self.url,
            "SIGN_IN_URL": sign_in_url(self.site_url),
            "EMBED_ORIGINS": self.site_url,
            "PYTHONUNBUFFERED": "1",
            **(self.settings or {}),
        }

    def _missing(self) -> str | None:
        # Straight to it: http.client knows nothing of the environment's proxies.
        connection = _Socket(self.socket) if self.socket else HTTPConnection("127.0.0.1", self.port)
        connection.timeout = 5
        try:
            connection.request("GET", "/readyz", headers={"Host": f"localhost:{self.port}"})
            answer = connection.getresponse()
            text = answer.read(2000).decode(errors="replace")
        except (OSError, HTTPException) as error:
            return repr(error)
        finally:
            connection.close()
        return None if answer.status == 200 else f"/readyz answers {answer.status}: {text}"


class _Socket(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(os.fspath(self.path))
