"""What a measurement prints and writes: figures, tables, goals, and their place in docs/performance.md."""

import argparse
import datetime
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Sequence

from devstack.processes import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
END = "<!-- end of figures -->"


def median_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """Return the median of the ratios within each round: what slows a round slows both sides."""
    return statistics.median(one / other for one, other in zip(values, base, strict=True))


def spread(values: Sequence[float]) -> str:
    """Return the median with the least and the greatest."""
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that so many percent of the values don't exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table's lines; all columns but the first hold figures."""
    aligned = ["---", *("---:" for _ in head[1:])]
    return ["", *(f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows)), ""]


def goals_table(goals: Iterable[tuple[str, float, float]]) -> list[str]:
    """Return the lines of a table of goals: a measure, the most it may be, and what it was."""
    rows = [
        [measure, f"≤ {most:g}", f"{measured:.2f}", "met" if measured <= most else "**missed**"]
        for measure, most, measured in goals
    ]
    return table(["goal", "at most", "measured", ""], rows)


def machine(*packages: str, more: str = "") -> str:
    """Return one line that says when, on what and with which versions was measured."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    python = f"{os.cpu_count()} cores, CPython {platform.python_version()}"
    facts = [python, *versions, *([more] if more else [])]
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {', '.join(facts)}."


def run(part: str, measure: Callable[[bool], list[str]]) -> None:
    """Measure, print the lines, and write them into the document unless `--quick` was given.

    Raise ValueError if the document has no place for them.
    """
    parser = argparse.ArgumentParser(prog=f"python -m bench.{part}")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    quick: bool = parser.parse_args().quick
    lines = "\n".join(measure(quick)).strip()
    print(lines)
    if quick:
        return
    begin = f"<!-- figures: written by `python -m bench.{part}` -->\n"
    head, found, rest = DOCUMENT.read_text().partition(begin)
    _, closed, tail = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{DOCUMENT} has no place for the figures of {part}")
    DOCUMENT.write_text(f"{head}{begin}\n{lines}\n\n{END}{tail}")
