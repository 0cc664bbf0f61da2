"""Nothing in our pages needs a newer browser than the oldest that we support."""

import re

from devstack.processes import ROOT
from onboarding.themes import BUILT_IN
from tests.older_browsers import ATTRIBUTES, CSS, SCRIPTS, SYNTAX

MEMBERS = "|".join(rf"\b{re.escape(name.rpartition('.')[2])}\b" for name in SCRIPTS)
# What each kind of file may not hold.
NEWER = {".css": CSS, ".js": f"{SYNTAX}|\\.({MEMBERS})", ".html": ATTRIBUTES}


def test_no_file_uses_what_the_oldest_browsers_lack() -> None:
    files = [
        file
        for folder in ("static", "templates")
        for file in (ROOT / "onboarding" / folder).rglob("*")
        if file.suffix in NEWER
    ]
    texts = {file.name: (file.suffix, file.read_text()) for file in files}
    texts |= {f"theme {name}": (".css", theme.css()) for name, theme in BUILT_IN.items()}
    assert {"style.css", "embed.js", "base.html"} <= texts.keys()
    found = {name: re.search(NEWER[kind], text) for name, (kind, text) in texts.items()}
    assert {name: match[0] for name, match in found.items() if match} == {}
