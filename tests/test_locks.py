"""What is installed is what was locked: every package pinned, and known by its content's hash."""

import json
import re
from pathlib import Path

import pytest

from devstack.processes import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
NODE_LOCKS = [
    ROOT / "tests" / "package-lock.json",
    ROOT / "examples" / "main-site" / "package-lock.json",
]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_package_is_pinned_and_has_a_hash(lock: Path) -> None:
    packages = re.split(r"\n(?=\S)", lock.read_text().replace("\\\n", "").strip())
    assert len(packages) > 10
    for package in packages:
        assert re.match(r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==[^\s;]+", package), package
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", package), package


@pytest.mark.parametrize("lock", NODE_LOCKS, ids=lambda path: path.parent.name)
def test_every_node_package_has_a_hash(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    lacking = [name for name, one in packages.items() if name and not one.get("integrity")]
    assert lacking == []


def test_nothing_is_installed_without_its_hash() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"\$\(PIP\) install .*", makefile)
    assert installs
    assert all("--require-hashes" in one for one in installs)
    assert "npm install" not in makefile
