"""Real Better-Auth main sites of several versions, many in one Node process each."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devstack.main_site import node
from devstack.processes import INHERITED, ROOT, StartFailed

PACKAGES = ROOT / "tests"
MAIN = PACKAGES / "compat" / "site" / "main.js"

LIBRARIES = {
    spec.rpartition("@")[2]: name
    for name, spec in json.loads((PACKAGES / "package.json").read_text())["dependencies"].items()
    if name.startswith("better-auth")
}
"""The installed packages of Better-Auth by version."""

OLDEST, MIDDLE, NEWEST = VERSIONS = sorted(
    LIBRARIES, key=lambda version: [int(number) for number in version.split(".")]
)


class Sites:
    """A Node process that runs the main sites of one version in one time zone."""

    def __init__(self, version: str, zone: str) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        # Without NODE_ENV, as with any value but production, Better-Auth limits no rates.
        self._node = subprocess.Popen(
            [node(), MAIN, LIBRARIES[version]],
            cwd=MAIN.parent,
            env={**inherited, "TZ": zone},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @contextmanager
    def open(self, **site: Any) -> Iterator[None]:
        """Run a site, described as `opened` in `site/main.js` says."""
        self._send(site)
        try:
            yield
        finally:
            self._send({"close": site["port"]})

    def stop(self) -> None:
        self._node.stdin.close()
        self._node.stdout.close()
        self._node.wait(10)

    def _send(self, line: dict[str, Any]) -> None:
        print(json.dumps(line), file=self._node.stdin)
        answer = json.loads(self._node.stdout.readline() or '{"error": "the process has ended"}')
        if "error" in answer:
            raise StartFailed(f"the main site: {answer['error']}")
