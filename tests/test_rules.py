"""The patterns of `rules/` find what must never be written, where it must not be, and nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.processes import ROOT

AST_GREP = Path(sys.executable).with_name("ast-grep")
RULES = sorted(path.stem for path in (ROOT / "rules").glob("*.yml"))

# For each rule a place that it watches, and a line that it must find there.
FORBIDDEN = {
    "doors-are-told-by-endpoint": ("web/gate.py", 'print(request.path.startswith("/static/"))'),
    "everything-is-escaped": ("web/wizard.py", "print(Markup(request.args['name']))"),
    "no-cookie-of-our-own": ("web/headers.py", 'response.set_cookie("a", "b")'),
    "no-redirect-to-input": ("web/profile.py", 'redirect(request.args["next"])'),
    "nobody-is-looked-up-before-the-signature": (
        "web/journey.py",
        'parts().identities.of(request.cookies["session"])',
    ),
    "secrets-are-compared-in-constant-time": (
        "betterauth/cookie.py",
        "print(given.signature == cookie.sign(token))",
    ),
    "sql-is-never-put-together": ("sources/tables.py", 'connection.execute(text(f"SELECT {a}"))'),
    "templates-escape-everything": ("templates/base.html", "<p>{{ name|safe }}</p>"),
    "the-environment-is-read-once": ("database.py", 'print(os.environ["DATABASE_URL"])'),
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package that may be spoilt."""
    directory = tmp_path_factory.mktemp("scratch")
    shutil.copy(ROOT / "sgconfig.yml", directory)
    for folder in ("rules", "onboarding", "tests/rules"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, directory / folder, ignore=ignored)
    return directory


def found(directory: Path) -> set[tuple[str, str]]:
    """Scan a directory; gives the rules that found something, with the file."""
    done = run(directory, "scan", "--json=compact")
    return {(one["ruleId"], one["file"]) for one in json.loads(done.stdout)}


def run(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AST_GREP, *words], cwd=directory, capture_output=True, text=True)


def test_the_code_has_nothing_of_it() -> None:
    assert found(ROOT) == set()
    assert run(ROOT, "scan").returncode == 0


def test_every_rule_tells_its_examples_apart() -> None:
    done = run(ROOT, "test", "--skip-snapshot-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(RULES) == {
        path.stem.removesuffix("-test") for path in (ROOT / "tests" / "rules").iterdir()
    }


@pytest.mark.parametrize("rule", RULES)
def test_a_forbidden_line_is_found_where_it_would_stand(rule: str, scratch: Path) -> None:
    name, line = FORBIDDEN[rule]
    place = scratch / "onboarding" / name
    whole = place.read_text()
    try:
        with place.open("a") as file:
            file.write(f"\n{line}\n")
        assert found(scratch) == {(rule, f"onboarding/{name}")}
        assert run(scratch, "scan").returncode == 1
    finally:
        place.write_text(whole)
