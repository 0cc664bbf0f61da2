"""`docs/performance.md`: what stands between its markers is written by the measurements, never by hand."""

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.usage import cores
from devstack.processes import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
END = "<!-- end of figures -->"


def begin(part: str) -> str:
    """The line before what `part` writes."""
    return f"<!-- figures: written by `python -m bench.{part}` -->"


def write(part: str, lines: Iterable[str]) -> None:
    """Put a part's figures in the place of its earlier ones. Raises ValueError without a place."""
    head, found, rest = DOCUMENT.read_text().partition(begin(part) + "\n")
    _, closed, tail = rest.partition(END + "\n")
    if not found or not closed:
        raise ValueError(f"{DOCUMENT} has no place for the figures of {part}")
    body = "\n".join(lines).strip("\n")
    DOCUMENT.write_text(f"{head}{begin(part)}\n\n{body}\n\n{END}\n{tail}")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines; all columns but the first hold figures."""
    aligned = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (head, aligned, *rows)]


def machine(*packages: str, more: str = "") -> str:
    """One line on where and with what it was measured: machine, versions, date."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in packages]
    facts = [
        f"{cores()} cores of {_processor()}",
        f"Linux {platform.release().partition('-')[0]}",
        f"{platform.python_implementation()} {platform.python_version()}",
        *versions,
        *([more] if more else []),
    ]
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {', '.join(facts)}."


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return os.uname().machine
