"""`docs/asvs.md` answers every requirement of levels 1 and 2 once, and names tests that there are."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from devstack.processes import ROOT

DOCUMENT = (ROOT / "docs" / "asvs.md").read_text()
ANSWERS = {"met", "in part", "main site", "operator"}

# ASVS 5.0.0: the number of the last requirement of levels 1 and 2 in each section that has any. Within
# a section those of level 3 come last.
_LAST = """
    1.1:2 1.2:9 1.3:11 1.4:3 1.5:2
    2.1:3 2.2:3 2.3:4 2.4:1
    3.2:2 3.3:4 3.4:6 3.5:5 3.7:2
    4.1:3 4.2:1 4.3:2 4.4:4
    5.1:1 5.2:3 5.3:2 5.4:3
    6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4
    7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2
    8.1:2 8.2:3 8.3:1 8.4:1
    9.1:3 9.2:4
    10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3
    11.1:2 11.2:3 11.3:3 11.4:4 11.5:1 11.6:1
    12.1:3 12.2:2 12.3:4
    13.1:1 13.2:5 13.3:2 13.4:5
    14.1:2 14.2:4 14.3:3
    15.1:3 15.2:3 15.3:7
    16.1:1 16.2:5 16.3:4 16.4:3 16.5:3
    17.1:1 17.2:4 17.3:2
"""
LAST = {section: int(last) for section, last in (pair.split(":") for pair in _LAST.split())}
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.splitlines()
    if line.startswith("| V")
]
ANSWERED = [row for row in ROWS if len(row) == 5]
NAMED = sorted(set(re.findall(r"`(tests/[^`]*)`", "".join(row[4] for row in ANSWERED))))


def requirements(cell: str) -> list[str]:
    """Give the requirements that a cell names: ``V1.2.5``, or ``V5.2.1 to V5.2.3``."""
    named = []
    for part in cell.split(", "):
        first, _, last = part.partition(" to ")
        section, _, number = first.rpartition(".")
        until = int(last.rpartition(".")[2]) if last else int(number)
        named += [f"{section}.{each}" for each in range(int(number), until + 1)]
    return named


def test_every_requirement_of_levels_1_and_2_is_answered_once_and_no_other() -> None:
    standard = [f"V{section}.{n}" for section, last in LAST.items() for n in range(1, last + 1)]
    assert len(standard) == 253
    assert Counter(one for row in ROWS for one in requirements(row[0])) == Counter(standard)


def test_every_answer_is_one_of_those_explained() -> None:
    assert {row[2] for row in ANSWERED} == ANSWERS


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_is_there(name: str) -> None:
    path, _, function = name.partition("::")
    assert function in functions(ROOT / path)


@cache
def functions(path: Path) -> frozenset[str]:
    """Give the names of the tests in a file, those in classes too."""
    tree = ast.parse(path.read_text())
    found = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in found if name.startswith("test_"))
