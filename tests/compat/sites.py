"""Real Better-Auth main sites of several versions, many in one Node process each."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from devstack.processes import INHERITED, ROOT, StartFailed

PACKAGES = ROOT / "tests"
MAIN = ROOT / "tests" / "compat" / "site" / "main.js"

LIBRARIES = {
    spec.rpartition("@")[2]: name
    for name, spec in json.loads((PACKAGES / "package.json").read_text())["dependencies"].items()
    if name.startswith("better-auth")
}
"""The packages of Better-Auth that are installed, by version."""

OLDEST, MIDDLE, NEWEST = sorted(
    LIBRARIES, key=lambda version: [int(number) for number in version.split(".")]
)


@dataclass(frozen=True)
class Order:
    """One main site: where it is and what it sets. See `opened` in `site/main.js`."""

    port: int
    url: str
    onboarding_origin: str
    database_url: str
    secret: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    plugins: Mapping[str, Any] = field(default_factory=dict)
    drizzle: Mapping[str, Any] | None = None
    schema_name: str | None = None
    redis_url: str | None = None
    migrate: bool = True

    def line(self) -> dict[str, Any]:
        return {
            "port": self.port,
            "siteUrl": self.url,
            "onboardingOrigin": self.onboarding_origin,
            "databaseUrl": self.database_url,
            "secret": self.secret,
            "options": self.options,
            "plugins": self.plugins,
            "drizzle": self.drizzle,
            "schemaName": self.schema_name,
            "redisUrl": self.redis_url,
            "migrate": self.migrate,
        }


class Sites:
    """A Node process that runs the main sites of one version in one time zone."""

    def __init__(self, version: str, zone: str) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        # Without NODE_ENV, as with any value but production, Better-Auth limits no rates.
        self._node = subprocess.Popen(
            [_node(), MAIN, LIBRARIES[version]],
            cwd=MAIN.parent,
            env={**inherited, "TZ": zone},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @contextmanager
    def open(self, order: Order) -> Iterator[None]:
        """Run a site, after its own migrations if it is to have any."""
        self._ask(order.line())
        try:
            yield
        finally:
            self._ask({"close": order.port})

    def stop(self) -> None:
        self._node.stdin.close()
        self._node.stdout.close()
        self._node.wait(10)

    def _ask(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self._node.stdin)
        answer = json.loads(self._node.stdout.readline() or '{"error": "the process has ended"}')
        if "error" in answer:
            raise StartFailed(f"the main site: {answer['error']}")


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        raise StartFailed("node is not on PATH: install Node.js 20 or newer")
    if not (PACKAGES / "node_modules").is_dir():
        raise StartFailed(
            "the tests' packages are not installed: run `npm ci --ignore-scripts` in tests"
        )
    return found
