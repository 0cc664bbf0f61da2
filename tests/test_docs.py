"""The documents name every setting, route and command, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
from flask import Flask

from devstack.processes import ROOT
from onboarding.cli import main
from onboarding.cli.profiles import profiles
from onboarding.doctor import CHECKS
from onboarding.settings import variables

CONFIGURATION = ROOT / "docs" / "configuration.md"
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "main-site" / "README.md"]
)


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", CONFIGURATION.read_text(), re.MULTILINE)
    assert set(variables()) | server_variables() <= set(documented)


def server_variables() -> set[str]:
    """Return the variables that gunicorn's configuration reads."""
    text = (ROOT / "gunicorn.conf.py").read_text()
    return set(re.findall(r"""environ(?:\.get\(|\[)"([A-Z_]+)\"""", text))


def test_every_route_is_documented(app: Flask) -> None:
    text = (ROOT / "docs" / "routes.md").read_text()
    paths = {rule.rule.partition("<")[0] for rule in app.url_map.iter_rules()}
    assert [path for path in paths if f"{path}" not in text] == []


@pytest.mark.parametrize("name", [*main.commands, *profiles.commands])
def test_every_command_is_documented(name: str) -> None:
    documents = [ROOT / "docs" / name for name in ("doctor.md", "profiles.md", "embed.md")]
    assert any(f"{name}" in document.read_text() for document in documents)


@pytest.mark.parametrize("name", CHECKS)
def test_every_condition_of_the_doctor_is_documented(name: str) -> None:
    assert name in (ROOT / "docs" / "doctor.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]+`", "", document.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)|^\[[^]]+\]: (\S+)", prose, re.MULTILINE)
    assert [t for t in map("".join, targets) if not leads_somewhere(document, t)] == []


def leads_somewhere(document: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (document.parent / path).resolve() if path else document
    return file.exists() and (not anchor or anchor in anchors(file))


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as code hosts make them."""
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
