"""The documents say what the code does: nothing is left out, nothing stands there that isn't so."""

import os
import re
import runpy
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import click
import pytest
from flask import Flask
from werkzeug.routing import Rule

from devstack.processes import ROOT
from onboarding.cli import app_for_commands
from onboarding.config import Settings, SettingsFault
from onboarding.doctor import CHECKS
from onboarding.identity import Standing
from onboarding.web.access import AREAS, Area, Kind, Verdict, area_of, decide

CONFIGURATION = ROOT / "docs" / "configuration.md"
ROUTES = ROOT / "docs" / "routes.md"
DOCTOR = ROOT / "docs" / "doctor.md"
SAID = ROOT / "tests" / "doctor" / "snapshots"
COMMANDS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "examples" / "main-site" / "README.md"]
)

# One wrong value for each variable, and each way in which one can be wrong.
WRONG = [
    {},
    {
        "DATABASE_URL": "mysql://host/name",
        "BETTER_AUTH_SECRET": "short",
        "BETTER_AUTH_USER_FIELDS": "name",
        "BETTER_AUTH_SESSION_FIELDS": "token",
        "SESSION_SOURCE": "redis",
        "SESSION_URL": "/api/auth/get-session",
        "SESSION_CACHE_SECONDS": "61",
    },
    {
        "BETTER_AUTH_USER_FIELDS": "image=picture",
        "BETTER_AUTH_SESSION_FIELDS": "ipAddress=ip",
        "SESSION_URL": "http://www.example.com/api/auth/get-session",
    },
    {"DATABASE_URL": "postgresql://host:port/name", "BETTER_AUTH_SECRETS": "no colon"},
    {"DATABASE_URL": "postgresql://host/name?schema=public", "BETTER_AUTH_SECRET": "\udcff" * 32},
    {"DATABASE_URL": "postgresql://user:p@ss/word@host/name"},
    {"DATABASE_URL": "\udcff", "BETTER_AUTH_SECRETS": "1:\udcff"},
    {
        "DATABASE_URL": "postgresql://host",
        "BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890",
        "BETTER_AUTH_URL": "http://www.example.com",
        "APP_URL": "https://onboarding.example.com/path",
        "SIGN_IN_URL": "/sign-in",
        "SIGN_IN_RETURN_PARAM": "a b",
        "EMBED_ORIGINS": "https://www.example.com/path",
        "ONBOARDING_WIDGET": "radio",
        "SITE_NAME": "x" * 61,
        "BETTER_AUTH_COOKIE_PREFIX": "a;b",
        "BETTER_AUTH_COOKIE_NAME": "a=b",
        "BETTER_AUTH_SECURE_COOKIES": "perhaps",
        "BETTER_AUTH_SCHEMA": "x" * 64,
        "FORWARDED_PROXIES": "10",
        "WEB_THREADS": "0",
        "LOG_FORMAT": "xml",
        "LOG_LEVEL": "loud",
        "WRITES_PER_MINUTE": "10001",
        "RATE_LIMIT_STORAGE": "memcached://host",
    },
    {"SESSION_SOURCE": "http", "RATE_LIMIT_STORAGE": "redis://host"},
]


class Recorded(Mapping[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.variables = variables
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_every_variable_that_is_read_is_documented_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documented = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \|", CONFIGURATION.read_text(), re.MULTILINE)
    read = read_by_the_app() | read_by_the_server(monkeypatch) | read_by_devstack()
    assert set(documented) == read


def test_every_fault_of_a_setting_is_documented() -> None:
    text = re.sub(r"\s+", " ", CONFIGURATION.read_text())
    for environ in WRONG:
        with pytest.raises(SettingsFault) as raised:
            Settings.from_environ(environ)
        for fault in raised.value.faults:
            # Some are told once for several variables.
            assert fault in text or f"… {fault.partition(' ')[2]}" in text, fault


def test_every_route_is_documented_with_its_area_and_no_other(app: Flask) -> None:
    documented = set()
    for method, path, area, _ in table(ROUTES, "Routes", "method"):
        # Said once, above the table: HEAD goes with GET, and OPTIONS with all.
        methods = {method, "OPTIONS", *(["HEAD"] if method == "GET" else [])}
        documented |= {(method, path.strip("`"), area) for method in methods}
    real = {
        (method, path, words(area_of(rule.endpoint)))
        for rule in app.url_map.iter_rules()
        for path, method in product(paths(rule), rule.methods or ())
    }
    assert documented == real


def test_the_documented_verdicts_are_the_gates() -> None:
    documented = {
        (area, standing): verdicts
        for area, standing, *verdicts in table(ROUTES, "The gate", "area")
    }
    real = {
        (words(area), words(standing)): [words(decide(area, standing, kind)) for kind in Kind]
        for area, standing in product(set(AREAS.values()) - {Area.OPEN, Area.PROBE}, Standing)
    }
    assert documented == real


def test_every_area_is_documented() -> None:
    documented = {area for area, _ in table(ROUTES, "Areas", "area")}
    assert documented == {words(area) for area in AREAS.values()}


def test_every_command_is_documented_and_no_other() -> None:
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    helped = subprocess.run(
        ["make", "help"], cwd=ROOT, env=quiet, capture_output=True, text=True, check=True
    ).stdout
    real = set(re.findall(r"^make ([\w-]+)", helped, re.MULTILINE))
    documented = {
        command
        for document in COMMANDS
        for code in re.findall(r"```.*?```|`[^`\n]+`", document.read_text(), re.DOTALL)
        for command in re.findall(r"\bmake ([\w-]+)", code)
    }
    assert real
    assert documented == real


@pytest.mark.parametrize(
    ("document", "heading", "first_column"),
    [
        ("CONTRIBUTING.md", "Commands", "command"),
        ("CONTRIBUTING.md", "Where things are", "place"),
        ("CONTRIBUTING.md", "Decisions", "record"),
        ("README.md", "Documents", "document"),
    ],
)
def test_a_table_says_nothing_twice(document: str, heading: str, first_column: str) -> None:
    rows = Counter(row[0] for row in table(ROOT / document, heading, first_column))
    assert rows
    assert [row for row, times in rows.items() if times > 1] == []


def test_every_command_of_flask_is_documented_with_its_options_and_no_other() -> None:
    everything = "".join(document.read_text() for document in DOCUMENTS)
    for name, command in app_for_commands().cli.commands.items():
        assert f"flask {name}" in everything
        # A command with options has a document of its own name; so has a group, for each of its own.
        document = ROOT / "docs" / f"{name}.md"
        parts = {"Options": command}
        if isinstance(command, click.Group):
            parts = {f"flask {name} {part}": one for part, one in command.commands.items()}
            told = re.findall(r"^## (flask .*)$", document.read_text(), re.MULTILINE)
            assert told == list(parts)
        for heading, part in parts.items():
            rows = table(document, heading, "option") if document.exists() else []
            documented = {option.strip("`") for option, _ in rows}
            options = (one for one in part.params if isinstance(one, click.Option))
            real = {option for one in options for option in one.opts}
            assert documented == real, heading


def test_every_condition_of_the_doctor_is_documented_in_its_order_and_no_other() -> None:
    documented = [condition for condition, *_ in table(DOCTOR, "Conditions", "condition")]
    assert documented == list(CHECKS)


def test_every_level_that_a_condition_was_seen_with_is_documented() -> None:
    documented = {
        (level, condition)
        for condition, *cells in table(DOCTOR, "Conditions", "condition")
        for level, cell in zip(("ok", "warning", "fault"), cells, strict=False)
        if cell != "–"
    }
    seen = {
        (match[1], match[2].strip())
        for snapshot in SAID.iterdir()
        for match in re.finditer(r"^(ok|warning|fault) +(.{14})  ", snapshot.read_text(), re.M)
    }
    assert seen <= documented


def test_the_doctors_example_is_what_it_really_says() -> None:
    said = {line for snapshot in SAID.iterdir() for line in snapshot.read_text().splitlines()}
    example = DOCTOR.read_text().partition("```text\n")[2].partition("```")[0]
    steady = re.sub(r"\b[0-9a-f]{12}\b", "FINGERPRINT", example)
    steady = re.sub(r"PostgreSQL [\d.]+ answers in \d+ ms", "PostgreSQL N answers in N ms", steady)
    assert steady
    assert [line for line in steady.splitlines() if line not in said] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]+`", "", document.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)\s]+)\)|^\[[^]]+\]: (\S+)", prose, re.MULTILINE)
    dead = [target for target in map("".join, targets) if not leads_somewhere(document, target)]
    assert dead == []


def test_every_decision_is_listed() -> None:
    listed = (ROOT / "CONTRIBUTING.md").read_text()
    unlisted = [
        record.name
        for record in ROOT.glob("docs/decisions/*.md")
        if f"(docs/decisions/{record.name})" not in listed
    ]
    assert unlisted == []
    records = [record for record, _ in table(ROOT / "CONTRIBUTING.md", "Decisions", "record")]
    assert records == sorted(records)


def test_every_figure_of_docs_performance_has_been_measured() -> None:
    parts = re.findall(
        r"^<!-- figures: written by `python -m (bench\.\w+)` -->\n(.*?)^<!-- end of figures -->\n",
        (ROOT / "docs" / "performance.md").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    assert {part for part, _ in parts} == {
        "bench.pages",
        "bench.inside",
        "bench.servers",
        "bench.growth",
        "bench.start",
    }
    assert [part for part, figures in parts if not figures.strip()] == []


def test_the_changelog_keeps_to_its_format() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert releases[0] == "[Unreleased]"
    for release in releases[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", release)
    kinds = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert kinds
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def read_by_the_app() -> set[str]:
    environ = Recorded({})
    with pytest.raises(SettingsFault):
        Settings.from_environ(environ)
    return environ.asked


def read_by_the_server(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    environ = Recorded({})
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", environ)
        runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    return environ.asked


def read_by_devstack() -> set[str]:
    code = "\n".join(path.read_text() for path in sorted((ROOT / "devstack").glob("*.py")))
    read = re.findall(r"os\.(?:environ(?:\.get\(|\.setdefault\(|\[)|getenv\()([^\s,)\]]+)", code)
    literal = {name.strip("\"'") for name in read if name[0] in "\"'"}
    # `_port` reads the variable that it is given, and a child inherits some by name. A third one
    # that reads a variable without naming it must be taught to this test.
    assert set(read) - {f'"{name}"' for name in literal} == {"variable", "key"}
    return literal | set(re.findall(r'_port\("(\w+)"', code))


def paths(rule: Rule) -> list[str]:
    """Give a rule's paths, one for each of the words that it takes in one place."""
    choice = re.search(r"<any\(([^)]*)\):\w+>", rule.rule)
    if choice is None:
        return [rule.rule]
    return [rule.rule.replace(choice[0], word.strip(' "')) for word in choice[1].split(",")]


def words(member: Area | Standing | Verdict) -> str:
    return member.name.lower().replace("_", " ")


def table(document: Path, heading: str, first_column: str) -> list[list[str]]:
    """Give the cells of the rows of the table under a heading that begins with this column."""
    section = document.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    body = section.partition(f"| {first_column} |")[2].partition("\n\n")[0]
    rows = [line for line in body.splitlines()[2:] if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def leads_somewhere(document: Path, target: str) -> bool:
    if re.match(r"[a-z]+:", target):
        return True
    path, _, anchor = target.partition("#")
    file = (document.parent / path).resolve() if path else document
    if not file.exists():
        return False
    return not anchor or anchor in anchors(file)


def anchors(document: Path) -> set[str]:
    """Give the anchors of a document's headings, as code hosts make them."""
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
