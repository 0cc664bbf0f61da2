"""The Better-Auth main site of `examples/main-site`, started as a child process."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devstack.processes import ROOT, Child, StartFailed, wait_for

DIRECTORY = ROOT / "examples" / "main-site"


def sign_in_url(site_url: str) -> str:
    """The address of the sign-in page of the main site at `site_url`."""
    return f"{site_url}/sign-in"


@dataclass(frozen=True)
class MainSite:
    """What one main site is made of; the app's side of the same is `app.App`."""

    port: int
    database_url: str
    secret: str
    onboarding_url: str
    settings: Mapping[str, str] | None = None
    """Further environment variables of the site."""

    @property
    def url(self) -> str:
        """The site's base URL and origin. `localhost` everywhere: 127.0.0.1 would be another site to a browser."""
        return f"http://localhost:{self.port}"

    def migrate(self, log: Path) -> None:
        """Let Better-Auth create its tables, or find that they stand."""
        Child(
            "the main site's migration",
            [node(), "migrate.js"],
            log=log,
            directory=DIRECTORY,
            environment=self._environment(),
        ).finish()

    def start(self, log: Path) -> Child:
        """Start the site and wait until it answers."""
        site = Child(
            "the main site",
            [node(), "server.js"],
            log=log,
            directory=DIRECTORY,
            environment=self._environment(),
        )
        wait_for(
            site,
            lambda: (
                None if "ready: " in log.read_text(errors="replace") else "it hasn't said `ready`"
            ),
        )
        return site

    def _environment(self) -> dict[str, str]:
        return {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "BETTER_AUTH_URL": self.url,
            "BETTER_AUTH_SECRET": self.secret,
            "DATABASE_URL": self.database_url,
            "ONBOARDING_URL": self.onboarding_url,
            **(self.settings or {}),
        }


def node() -> str:
    """The path of Node.js; raise StartFailed when there is none or the site isn't installed."""
    found = shutil.which("node")
    if found is None:
        raise StartFailed("node is not on PATH: install Node.js 20 or newer")
    if not (DIRECTORY / "node_modules").is_dir():
        raise StartFailed(
            "the main site's packages are not installed: run `npm ci --ignore-scripts` in examples/main-site"
        )
    return found
