"""The tables of `docs/compatibility.md`: written by the suite, never by hand.

`python -m tests.compat.document` (`make compatibility`) runs the suite and writes what it found. An
ordinary run compares: a result that differs from the document's fails its test.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from devstack.processes import ROOT
from tests.compat.presets import BY_NAME, SECTIONS, SITUATIONS
from tests.compat.scene import Preset
from tests.compat.sites import MIDDLE, NEWEST, OLDEST

DOCUMENT = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- results: written by `make compatibility` -->", "<!-- end of results -->"
VERSIONS = (NEWEST, MIDDLE, OLDEST)
RECORDER = "tests.compat.document"
SUITE = [f"tests/compat/test_{name}.py" for name in ("cookies", "tables", "plugins")]

# Names of the properties of a test's report: which row it is about, and what it found.
ROW, RESULT = "compatibility row", "compatibility result"

Results = Mapping[tuple[str, str], str]
"""What was found, by row and version."""


def run() -> set[tuple[str, str]]:
    """Give the rows that the suite runs, each with its versions."""
    rows = {preset.name: preset for preset in BY_NAME.values()} | {
        situation: BY_NAME[name] for situation, name in SITUATIONS.items()
    }
    return {(row, version) for row, preset in rows.items() for version in preset.versions}


def written() -> Results:
    """Give the results that stand in the document."""
    results = {}
    for line in block().splitlines():
        row, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
        if row in BY_NAME or row in SITUATIONS:
            for version, cell in zip(VERSIONS, cells[-len(VERSIONS) :], strict=True):
                if cell:
                    results[row, version] = cell
    return results


def tables(results: Results) -> str:
    """Give the text between the markers for these results."""
    lines = []
    for heading, presets in SECTIONS.items():
        lines += [
            f"### {heading}",
            "",
            *_head("main site", "its Better-Auth options", "the app's settings"),
        ]
        for preset in presets:
            options, settings = "<br>".join(_options(preset)), "<br>".join(_settings(preset))
            lines.append(_row(preset.name, options, settings, *_cells(preset.name, results)))
        lines.append("")
    lines += ["### Who is signed in", "", *_head("situation")]
    lines += [_row(situation, *_cells(situation, results)) for situation in SITUATIONS]
    return "\n".join(lines) + "\n"


def _head(*columns: str) -> list[str]:
    columns = (*columns, *VERSIONS)
    return [_row(*columns), _row(*("---" for _ in columns))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: str, results: Results) -> Iterator[str]:
    for version in VERSIONS:
        yield results.get((row, version), "")


def _options(preset: Preset) -> Iterator[str]:
    if preset.https:
        yield '`baseURL: "https://…"`'
    if preset.drizzle is not None:
        yield f"`drizzleAdapter(db, {_js({'provider': 'pg', **preset.drizzle})})`"
    if preset.schema_name:
        yield f"`database.schemaName: {_js(preset.schema_name)}`"
    if preset.search_path:
        yield f"`search_path={preset.search_path}` in its connections"
    if preset.redis:
        yield "`secondaryStorage: redisStorage(…)`"
    for path, value in _leaves(preset.options):
        yield f"`{path}: {'[…]' if path == 'secrets' else _js(value)}`"
    for name, given in preset.plugins.items():
        yield f"`{name}({_js(given) if given else ''})`"
    if not preset.remember:
        yield "`rememberMe: false` at sign-in"


def _settings(preset: Preset) -> Iterator[str]:
    for name, value in preset.settings.items():
        yield f"`{name}={'…' if 'SECRETS' in name else value.format(site_port='…')}`"
    if not preset.secret_is_shared:
        yield "no `BETTER_AUTH_SECRET`"


def _leaves(options: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give the options by their paths, as people speak of them."""
    for name, value in options.items():
        if isinstance(value, Mapping) and (not path or len(value) == 1):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield path + name, value


def _js(value: Any) -> str:
    """Write a value as people write it in JavaScript."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{name}: {_js(inner)}' for name, inner in value.items())} }}"
    return json.dumps(value, ensure_ascii=False)


def block() -> str:
    """Give the text between the document's markers."""
    return DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0].strip() + "\n"


class Recorder:
    """Collects what the tests found; in the process that sees all their reports."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], str] = {}
        self.failed: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, (row, version, *result) in report.user_properties:
            if name == RESULT and report.passed:
                self.results[row, version] = result[0]
            elif name == ROW and report.failed:
                self.failed[row, version] = "**fails**"


def main() -> int:
    """Run the suite and write what it found, over what an earlier run found."""
    recorder = Recorder()
    words = ["-p", RECORDER, *SUITE, "-n", "2", "--dist", "loadfile", *sys.argv[1:]]
    status = pytest.main(words, plugins=[recorder])
    text = DOCUMENT.read_text()
    head, _, rest = text.partition(BEGIN)
    found = {**written(), **recorder.results, **recorder.failed}
    results = {row: result for row, result in found.items() if row in run()}
    DOCUMENT.write_text(f"{head}{BEGIN}\n\n{tables(results)}\n{END}{rest.partition(END)[2]}")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
