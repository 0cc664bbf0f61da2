"""`python -m tests.stress.document [NAME …]`: measures, and writes the table of `docs/reliability.md`.

With names of rows only those are measured, and the others' figures stay as they are. Without, the tests
of this folder run afterwards. A figure that misses its limit is written as it is, in bold.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import pytest

from devstack.processes import ROOT
from tests.faults import busy, clocks, cuts, pooler, recovery, soak, stalls, storm
from tests.faults.cluster import THIS_APP, TUTORIAL, Cluster, Result, Variant, start_cluster
from tests.stress import rolling

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- results: written by `make stress` -->", "<!-- end of results -->"

COLUMNS = {"this app": THIS_APP, "a tutorial's app": TUTORIAL}
HEAD = ("what happens", *COLUMNS, "by itself")

# By a row's title and a column.
Figures = Mapping[tuple[str, str], str]


class Row(NamedTuple):
    title: str
    name: str
    measure: Callable[..., Result]
    compares: bool = True


def _stalls(cluster: Cluster, app: Variant, **short: Any) -> Result:
    # The tutorial's app waits as long as one lets it: two stages show it.
    only = () if app is THIS_APP else ("frozen", "behind a lock")
    return stalls.measure(cluster, app, **{"only": only, **short})


ROWS = (
    Row("500 people × 4 different answers at once", "storm", storm.measure),
    Row("the same during 32 faults", "faults", partial(storm.measure, rounds=4)),
    Row("one cut at each message of a save", "cuts", cuts.measure),
    Row("silence while every thread waits", "stalls", _stalls),
    Row("outages of 3 seconds, 20 requests a second", "recovery", recovery.measure),
    Row("200 requests at once, a busy machine", "busy", busy.measure),
    Row("1,200 transactions through PgBouncer", "pooler", pooler.measure),
    Row("clocks a minute off", "clocks", clocks.measure, compares=False),
    Row("20,000 requests", "soak", soak.measure, compares=False),
    Row("12 restarts, reloads and killed workers", "rolling", rolling.measure, compares=False),
)


def results_in(document: str) -> dict[tuple[str, str], str]:
    """Return the figures that stand in the document's text."""
    titles, results = {row.title for row in ROWS}, {}
    for line in document.partition(BEGIN)[2].partition(END)[0].splitlines():
        title, *cells = (cell.strip() for cell in line.strip("| ").split(" | "))
        if title in titles:
            results |= {(title, column): cell for column, cell in zip(COLUMNS, cells, strict=False)}
    return results


def with_results(document: str, results: Figures) -> str:
    """Return the document's text with these figures over those that stand there."""
    before, _, rest = document.partition(BEGIN)
    figures = {**results_in(document), **results}
    lines = [HEAD, ("---",) * len(HEAD)]
    for row in ROWS:
        cells = (figures.get((row.title, column), "") for column in COLUMNS)
        lines.append((row.title, *cells, f"`make stress ARGS={row.name}`"))
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.partition(END)[2]}"


def _measure(rows: list[Row]) -> bool:
    """Measure, print and write; return whether every limit was held."""
    results: dict[tuple[str, str], str] = {}
    with start_cluster(pooler=True) as cluster:
        try:
            for row in rows:
                for column, app in COLUMNS.items() if row.compares else [("this app", THIS_APP)]:
                    figure, misses = row.measure(cluster, app)
                    cluster.stop_servers()
                    print(f"{row.title}, {column}: {figure}", flush=True)
                    results[row.title, column] = figure
                    if app is THIS_APP and misses:
                        print(*misses, sep="\n", flush=True)
                        results[row.title, column] = f"**{figure}**"
        finally:
            DOCUMENT.write_text(with_results(DOCUMENT.read_text(), results))
    return not any(figure.startswith("**") for figure in results.values())


def main() -> int:
    names = sys.argv[1:]
    if unknown := set(names) - {row.name for row in ROWS}:
        print("no such row:", *sorted(unknown), "; there are", *(row.name for row in ROWS))
        return 2
    held = _measure([row for row in ROWS if not names or row.name in names])
    options = "addopts=-q --import-mode=importlib -p no:valkey"
    status = 0 if names else pytest.main(["-o", options, "tests/stress"])
    return int(status or not held)


if __name__ == "__main__":
    sys.exit(main())
