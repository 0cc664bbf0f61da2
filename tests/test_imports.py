"""The import contracts of `pyproject.toml` hold, and each of them can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.processes import ROOT

# For each contract a module and an import that it must refuse.
FORBIDDEN = {
    "imports point down": ("database.py", "onboarding.identity"),
    "in the web rooms, too; pages never import each other": (
        "web/profile.py",
        "onboarding.web.wizard",
    ),
    "only the web rooms and the commands know Flask": ("doctor/report.py", "click"),
    "Better-Auth's reader knows nothing of ours": ("betterauth/session.py", "onboarding.config"),
}


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the package that may be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "onboarding", tmp_path / "onboarding", ignore=ignored)
    return tmp_path


def test_the_imports_point_where_they_should() -> None:
    status, report = lint(ROOT)
    assert status == 0, report
    # A contract that isn't put to the test below could be one that nothing breaks.
    assert ended(report, "KEPT") == set(FORBIDDEN)


def test_an_untouched_copy_passes(scratch: Path) -> None:
    status, report = lint(scratch)
    assert status == 0, report


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_a_forbidden_import_is_refused(contract: str, scratch: Path) -> None:
    module, imported = FORBIDDEN[contract]
    with (scratch / "onboarding" / module).open("a") as file:
        file.write(f"\nimport {imported}\n")
    status, report = lint(scratch)
    assert status == 1, report
    assert contract in ended(report, "BROKEN")


def lint(directory: Path) -> tuple[int, str]:
    """Check the contracts of a directory; gives the exit status and the report."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache", "--no-logo"], cwd=directory, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def ended(report: str, verdict: str) -> set[str]:
    """Give the contracts that a report says are "KEPT" or "BROKEN"."""
    return {
        line.removesuffix(f" {verdict}")
        for line in report.splitlines()
        if line.endswith(f" {verdict}")
    }
