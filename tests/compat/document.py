"""The tables of `docs/compatibility.md`, written from what the tests declare.

`python -m tests.compat.document` (`make compatibility`) writes them.
"""

import json
import re
from collections.abc import Iterator

from devstack.processes import ROOT
from tests.compat.corpus import header_names
from tests.compat.deployment import SITUATIONS
from tests.compat.differences import DIFFERENCES
from tests.compat.presets import SECTIONS, Preset
from tests.compat.sites import NEWEST

DOCUMENT = ROOT / "docs" / "compatibility.md"
RESULTS = ("<!-- results: written by `make compatibility` -->\n", "<!-- end of results -->\n")
DIFFERENT = ("<!-- begin of the generated part -->\n", "<!-- end of the generated part -->\n")


def generated(document: str) -> str:
    """Return the document with its generated parts written anew."""
    for (begin, end), lines in ((RESULTS, _results()), (DIFFERENT, _differences())):
        before, begin, rest = document.partition(begin)
        _, end, after = rest.partition(end)
        document = before + begin + "".join(f"{line}\n" for line in lines) + end + after
    return document


def _results() -> Iterator[str]:
    for heading, presets in SECTIONS.items():
        yield from ("", f"### {heading}", "")
        yield from _head("main site", "its Better-Auth options", "the app's settings", "result")
        for preset in presets:
            options, settings = "<br>".join(_options(preset)), "<br>".join(_settings(preset))
            yield _row(preset.name, options, settings, preset.result)
    yield from ("", "### Who is signed in", "", *_head("situation", "let in"))
    for situation in SITUATIONS.items():
        yield _row(*situation)
    yield ""


def _differences() -> Iterator[str]:
    names = header_names()
    counts = [sum(map(one.covers, names)) for one in DIFFERENCES]
    yield f"Better-Auth {NEWEST} and the app were sent {len(names)} Cookie headers."
    yield f"Their verdicts are the same for {len(names) - sum(counts)}. The other {sum(counts)}:"
    yield ""
    yield from _head("what", "how many", "here", "Better-Auth", "why")
    for one, count in zip(DIFFERENCES, counts, strict=True):
        yield _row(one.what, str(count), one.here, one.there, one.why)


def _head(*columns: str) -> tuple[str, str]:
    return _row(*columns), _row(*("---" for _ in columns))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _options(preset: Preset) -> Iterator[str]:
    if preset.https:
        yield '`baseURL: "https://…"`'
    if preset.drizzle is not None:
        yield f"`drizzleAdapter(db, {_js({'provider': 'pg', **preset.drizzle})})`"
    if preset.neon:
        yield f"`createNeonAuth({_js({'cookies': preset.neon})})`"
    if preset.schema_name:
        yield f"`database.schemaName: {_js(preset.schema_name)}`"
    if preset.search_path:
        yield f"`search_path={preset.search_path}` in its connections"
    if preset.redis:
        yield "`secondaryStorage: redisStorage(…)`"
    for name, value in preset.options.items():
        yield f"`{name}: {'[…]' if name == 'secrets' else _js(value)}`"
    for name, options in preset.plugins.items():
        yield f"`{name}({_js(options) if options else ''})`"
    if not preset.remember:
        yield "`rememberMe: false` at sign-in"


def _settings(preset: Preset) -> Iterator[str]:
    for name, value in preset.settings.items():
        yield f"`{name}={'…' if 'SECRETS' in name else value.format(site_port='…')}`"
    if not preset.secret_is_shared:
        yield "no `BETTER_AUTH_SECRET`"


def _js(value: object) -> str:
    """Return a value as JavaScript, with the keys unquoted."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r'"(\w+)": ', r"\1: ", text).replace("{", "{ ").replace("}", " }")


if __name__ == "__main__":
    DOCUMENT.write_text(generated(DOCUMENT.read_text()))
