"""The table of `docs/reliability.md`: written by `make stress` from what it found, never by hand.

A test tells its figures by the fixture `figure`. A run of some of them leaves the others' as they
stand; a figure whose test failed is written down as it is, in bold.
"""

import sys
from collections.abc import Mapping

import pytest

from devstack.processes import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- results: written by `make stress` -->", "<!-- end of results -->"
FIGURE = "reliability figure"

OURS, TUTORIAL = "this app", "a tutorial's app"
HEAD = ("what happens", OURS, TUTORIAL, "by itself")

COMMANDS = {
    "500 people × 4 different answers at once": "python -m tests.faults.storm",
    "the same during 32 faults": "python -m tests.faults.storm --faults --pooler",
    "one cut at each message of a save": "python -m tests.faults.cuts",
    "silence while 40 requests wait": "python -m tests.faults.stalls --pooler",
    "an outage of 4 seconds": "python -m tests.faults.recovery --pooler",
    "1,200 transactions through PgBouncer": "python -m tests.faults.pooler",
    "clocks a minute off": "python -m tests.faults.clocks",
    "20,000 requests": "python -m tests.faults.soak",
    "12 restarts, reloads and killed workers": "python -m pytest tests/stress/test_rolling.py",
}
"""Each row of the table, and what measures it alone."""

Results = Mapping[tuple[str, str], str]
"""Figures, by row and column."""


class Recorder:
    """Collects the figures; in the process that sees all reports."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" else ():
            if name == FIGURE:
                row, column, text = value
                missed = report.failed and column == OURS
                self.results[row, column] = f"**{text}**" if missed else text


def written(document: str) -> dict[tuple[str, str], str]:
    """Give the figures that stand in the document's text."""
    results = {}
    for line in document.partition(BEGIN)[2].partition(END)[0].splitlines():
        row, *cells = (cell.strip() for cell in line.strip("| ").split(" | "))
        if row in COMMANDS:
            results |= {(row, column): cell for column, cell in zip(HEAD[1:], cells, strict=False)}
    return results


def table(results: Results) -> str:
    """Give the table of these figures."""
    lines = [_line(*HEAD), _line(*("---" for _ in HEAD))]
    for row, command in COMMANDS.items():
        cells = (results.get((row, column), "") for column in (OURS, TUTORIAL))
        lines.append(_line(row, *cells, f"`{command}`"))
    return "\n".join(lines) + "\n"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def with_results(document: str, results: Results) -> str:
    """Give the document's text with these figures over those that stand there."""
    head, _, rest = document.partition(BEGIN)
    found = {**written(document), **results}
    return f"{head}{BEGIN}\n\n{table(found)}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Run the suite and write what it found."""
    recorder = Recorder()
    addopts = "-q --import-mode=importlib -p no:valkey"
    words = ["-o", f"addopts={addopts}", "tests/stress", *sys.argv[1:]]
    status = pytest.main(words, plugins=[recorder])
    DOCUMENT.write_text(with_results(DOCUMENT.read_text(), recorder.results))
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
