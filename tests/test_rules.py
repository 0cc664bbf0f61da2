"""The patterns of `rules/` find what must never be written, where it could stand, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

from devstack.processes import ROOT

AST_GREP = Path(sys.executable).with_name("ast-grep")
RULES = list((ROOT / "rules").glob("*.yml"))


def test_every_rule_finds_its_examples_and_nothing_else() -> None:
    done = subprocess.run(
        [AST_GREP, "test", "--skip-snapshot-tests"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    examples = {path.stem for path in (ROOT / "tests" / "rules").iterdir()}
    assert examples == {f"{rule.stem}-test" for rule in RULES}


def test_every_rule_watches_files_that_exist() -> None:
    for rule in RULES:
        globs = re.findall(r'"(onboarding/[^"]*)"', rule.read_text())
        assert globs, rule.name
        assert all(any(ROOT.glob(one)) for one in globs), rule.name
