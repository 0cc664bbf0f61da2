"""The code of the last release keeps working while a newer schema is already there."""

import shutil
import subprocess
import sys

import pytest

from devstack.processes import ROOT

pytestmark = pytest.mark.slow

# Reads and saves with the app in the working directory. Uses only what is promised to callers: any
# release will do, and its questions are read from its own OpenAPI document.
JOURNEY = """
import os, sys
import onboarding
assert onboarding.__file__.startswith(os.getcwd()), onboarding.__file__
client = onboarding.create_app().test_client(use_cookies=False)
origin = os.environ["APP_URL"]
headers = {"Host": origin.partition("//")[2], "Origin": origin, "Cookie": sys.argv[1]}
ready = client.get("/readyz", headers=headers)
print(ready.text, file=sys.stderr)
schemas = client.get("/api/openapi.json", headers=headers).json["components"]["schemas"]
members = schemas["SavedProfile"]["properties"]
values = {name: member["enum"] for name, member in members.items() if "enum" in member}
def put(index, **more):
    answers = {name: options[index] for name, options in values.items()}
    return client.put("/api/profile", json={**answers, **more}, headers=headers).status_code
print(
    ready.status_code, put(0, is_onboarded=False), put(0, is_onboarded=True), put(-1),
    client.get("/api/profile", headers=headers).status_code,
)
"""


def test_the_code_of_the_last_release_serves_on_the_schema_of_today(environment, user, tmp_path):
    """Without a release the code of the last commit, without git the present code."""
    if (ROOT / ".git").exists():
        tags = git("tag", "--list", "v*", "--sort=-version:refname").decode().split()
        archive = git("archive", tags[0] if tags else "HEAD", "onboarding")
        subprocess.run(["tar", "-x"], input=archive, cwd=tmp_path, check=True)
    else:
        shutil.copytree(ROOT / "onboarding", tmp_path / "onboarding")
    done = subprocess.run(
        [sys.executable, "-c", JOURNEY, user.cookie],
        cwd=tmp_path,
        env=environment.app_server.environment(),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "200 201 200 409 200\n", done.stderr


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
