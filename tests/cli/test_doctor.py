"""`doctor` as operators run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from devstack.processes import ROOT
from onboarding.cli.doctor import doctor
from onboarding.doctor import CHECKS
from tests.conftest import Environment
from tests.users import User

BIN = Path(sys.executable).parent
COMMANDS = [
    [sys.executable, "-m", "onboarding", "doctor"],
    [str(BIN / "better-auth-onboarding"), "doctor"],
    [str(BIN / "flask"), "doctor"],
]


def run(environ: dict[str, str], *words: str, **more: str) -> Result:
    """Run the command in this process, with these variables alone."""
    return CliRunner().invoke(doctor, words, env={**dict.fromkeys(os.environ), **environ}, **more)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: Path(command[-2]).name)
def test_every_form_of_the_command_works_with_faulty_settings(command: list[str]) -> None:
    done = subprocess.run(
        [*command, "--json"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "APP_URL": "https://example.com/path"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    findings = json.loads(done.stdout)["findings"]
    faults = [found["message"].split()[0] for found in findings if found["level"] == "fault"]
    required = {"DATABASE_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL", "APP_URL", "SIGN_IN_URL"}
    assert set(faults) == required


def test_a_healthy_installation_with_a_cookie_from_standard_input(
    environment: Environment, user: User
) -> None:
    done = run(environment.app_server.environment(), "--cookie", "-", input=user.cookie)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "signed in and verified" in done.stdout
    assert "0 warnings, 0 faults, 1 skipped\n" in done.stdout
    assert "\x1b" not in done.stdout


def test_the_json_has_the_documented_shape_and_a_warning_is_no_failure(
    environment: Environment,
) -> None:
    environ = environment.app_server.environment() | {"EMBED_ORIGINS": "https://www.example.com"}
    done = run(environ, "--json")
    report = json.loads(done.stdout)
    assert set(report) == {"version", "healthy", "counts", "findings"}
    assert (report["version"], report["healthy"], done.exit_code) == (2, True, 0)
    assert report["counts"] == {"ok": 23, "warning": 1, "fault": 0, "skipped": 2}
    for found in report["findings"]:
        assert list(found) == ["condition", "level", "message", "fix"]
        assert found["fix"] != ""
    assert list(dict.fromkeys(found["condition"] for found in report["findings"])) == list(CHECKS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fingerprint", "0123456789ag"], "must be 12 hex digits"),
        (["--cookie", "pass-phrase"], "is read from standard input"),
        (["--fingerprint", "0123456789abc"], "must be 12 hex digits"),
        (["--grants", "--owner-role", "app", "--app-role", "app"], "must differ"),
    ],
)
def test_a_mistake_in_the_command_line_has_its_own_status(words: list[str], message: str) -> None:
    done = run({}, *words)
    assert done.exit_code == 2
    assert message in done.output
    assert "pass-phrase" not in done.output


def test_grants_names_both_roles(environment: Environment) -> None:
    roles = ("--owner-role", "new_owner", "--app-role", "new_app")
    done = run(environment.app_server.environment(), "--grants", *roles)
    assert (done.exit_code, done.stderr) == (0, "")
    for role in ("new_owner", "new_app"):
        assert f'CREATE ROLE "{role}" LOGIN' in done.stdout


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "a setting of the database is missing or malformed"),
        ("postgresql://a:pass-phrase@127.0.0.1:1/b", "refused"),
    ],
)
def test_grants_without_a_database_fails_with_the_reason(url: str, reason: str) -> None:
    done = run({"DATABASE_URL": url}, "--grants")
    assert (done.exit_code, done.stdout) == (1, "")
    assert reason in done.stderr
    assert "better-auth-onboarding doctor" in done.stderr
    assert "pass-phrase" not in done.stderr
