"""What is released keeps working while a newer schema is already there.

Of each release its statements are kept, with what stands in for a person's values; how many rows each
gives; and `any` where that is the schema's own matter. `--release` records those of this version.
"""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from devstack.processes import ROOT
from onboarding.config import Settings
from tests.conftest import Stage
from tests.visitor import Person, Visitor, newcomer

RELEASED = Path(__file__).parent / "released"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
TIME = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?'")

ONE = {"python_proficiency": "Advanced", "developer_role": "None"}
OTHER = {"python_proficiency": "Beginner", "developer_role": "Full Stack Developer"}

# Reads and saves with the app that stands in its working directory. Only by what is promised to
# callers, so that any release can be asked.
JOURNEY = """
import os, sys
import onboarding
assert onboarding.__file__.startswith(os.getcwd()), onboarding.__file__
client = onboarding.create_app().test_client(use_cookies=False)
origin = os.environ["APP_URL"]
headers = {"Host": origin.partition("//")[2], "Origin": origin, "Cookie": sys.argv[1]}
answers = {"python_proficiency": "Advanced", "developer_role": "None"}
def put(**more):
    return client.put("/api/profile", json={**answers, **more}, headers=headers).status_code
ready = client.get("/readyz", headers=headers)
print(ready.text, file=sys.stderr)
print(
    ready.status_code, put(is_onboarded=False), put(is_onboarded=True), put(developer_role="Backend Developer"),
    client.get("/api/profile", headers=headers).status_code,
)
"""


def test_the_statements_of_each_release_still_work(
    stage: Stage, settings: Settings, request: pytest.FixtureRequest, sent: list[str]
) -> None:
    # What this very code sends can be sent again; otherwise the rest would prove nothing.
    recorded = replay(stage, settings, sent)
    assert [given for given, statement in recorded if statement.startswith("INSERT")].count(1) >= 2
    if request.config.getoption("--release"):
        text = "\n\n".join(f"-- {given}\n{statement};" for given, statement in recorded)
        (RELEASED / f"{VERSION}.sql").write_text(f"{text}\n")
    for file in RELEASED.glob("*.sql"):
        kept = re.findall(r"-- (\w+)\n(.+);\n", file.read_text())
        assert kept
        found = [given for given, _ in replay(stage, settings, [line for _, line in kept])]
        for (given, statement), now in zip(kept, found, strict=True):
            assert given in (str(now), "any"), f"{file.name}: {statement}"


def test_each_release_has_left_its_statements() -> None:
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert {f"{version}.sql" for version in versions} <= {file.name for file in RELEASED.iterdir()}


def test_the_code_of_the_last_release_serves_on_the_schema_of_today(
    stage: Stage, ada: Person, tmp_path: Path
) -> None:
    """Where no release can be had, the code of the last commit, or what stands here."""
    if (ROOT / ".git").exists():
        tags = git("tag", "--list", "v*", "--sort=-version:refname").decode().split()
        archive = git("archive", tags[0] if tags else "HEAD", "onboarding")
        subprocess.run(["tar", "-x"], input=archive, cwd=tmp_path, check=True)
    else:
        shutil.copytree(ROOT / "onboarding", tmp_path / "onboarding")
    done = subprocess.run(
        [sys.executable, "-c", JOURNEY, ada.cookie],
        cwd=tmp_path,
        env=stage.app.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "200 201 200 409 200\n", done.stderr


@pytest.fixture
def sent(stage: Stage, ada: Person, visitor: Callable[..., Visitor]) -> list[str]:
    """Every statement that serving somebody takes, each once, with names for what is theirs."""
    begun = stage.server.log_size()
    window = visitor(ada)
    assert window.get("/readyz").status_code == 200
    assert window.put({**ONE, "is_onboarded": False}, {"If-None-Match": "*"}).status_code == 201
    known = {"If-Match": window.get("/api/profile").headers["ETag"]}
    assert window.put({**OTHER, "is_onboarded": False}, known).status_code == 200
    assert window.answer().status_code == 303
    assert window.finish().headers["Location"] == "/profile"
    assert window.put(OTHER).status_code == 409
    names = {"user_id": ada.user_id, "token": ada.token}
    statements = stage.server.statements("onboarding", after=begun, with_values=True)
    return list(dict.fromkeys(named(statement, names) for statement in statements))


def named(statement: str, names: Mapping[str, str]) -> str:
    for name, value in names.items():
        statement = statement.replace(f"'{value}'", f":'{name}'")
    return " ".join(TIME.sub(":'updated_at'", statement).split())


def replay(stage: Stage, settings: Settings, statements: list[str]) -> list[tuple[object, str]]:
    """Send them as the app's role for somebody new; gives how many rows each gave, and undoes all."""
    person = newcomer(stage.database_url, settings.session_cookie)
    names = {"user_id": person.user_id, "token": person.token}
    given: list[tuple[object, str]] = []
    with psycopg.connect(stage.app.database_url) as app:
        for statement in statements:
            row = app.execute(
                "SELECT CAST(updated_at AS text) FROM user_profile WHERE user_id = %s",
                [person.user_id],
            ).fetchone()
            values = {**names, "updated_at": row[0] if row else "epoch"}
            ready = statement
            for name, value in values.items():
                ready = ready.replace(f":'{name}'", sql.Literal(value).as_string(app))
            count = app.execute(ready.encode()).rowcount
            is_catalog = re.search(r"\bpg_|_catalog\b", statement)
            given.append(("any" if is_catalog else count, statement))
        app.rollback()
    return given


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
