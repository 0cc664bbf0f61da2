"""`flask doctor` as operators run it."""

import json
import os
import pty
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from click.testing import CliRunner

from devstack.processes import ROOT
from onboarding.cli import doctor
from onboarding.doctor import CHECKS
from tests.doctor.conftest import Clinic

FLASK = [Path(sys.executable).with_name("flask")]
FAULTY = {"APP_URL": "https://onboarding.example.com/path", "BETTER_AUTH_SECRET": "too short"}


def flask(*words: str, environ: dict[str, str], **more) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*FLASK, *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=30,
        **more,
    )


def test_a_healthy_installation_with_a_cookie_from_standard_input(clinic: Clinic) -> None:
    done = flask("doctor", "--cookie", "-", environ=clinic.environ(), input=clinic.ada.cookie)
    assert done.stderr == ""
    assert done.returncode == 0
    assert "signed in, verified" in done.stdout
    assert done.stdout.endswith("\n\n23 ok, 0 warnings, 0 faults, 2 skipped\n")
    assert "\x1b" not in done.stdout


def test_faulty_settings_are_faults_and_no_end_before_the_doctor_speaks() -> None:
    done = flask("doctor", "--json", environ=FAULTY)
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads(done.stdout)
    faults = [x["says"].split()[0] for x in report["findings"] if x["level"] == "fault"]
    assert faults == [
        "DATABASE_URL",
        "BETTER_AUTH_URL",
        "APP_URL",
        "SIGN_IN_URL",
        "BETTER_AUTH_SECRET",
    ]


def test_with_faulty_settings_flasks_own_server_ends_as_the_real_one_does() -> None:
    done = flask("run", "--port", "0", environ=FAULTY)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split()[0] for line in done.stderr.splitlines()] == [
        "DATABASE_URL",
        "BETTER_AUTH_SECRET",
        "BETTER_AUTH_URL",
        "APP_URL",
        "SIGN_IN_URL",
    ]


@pytest.mark.parametrize(("no_color", "colours"), [("", True), ("1", False)])
def test_only_a_terminal_sees_colours(
    no_color: str, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in os.environ:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("NO_COLOR", no_color)
    ours, theirs = pty.openpty()
    with open(ours, "rb", 0) as terminal, open(theirs, "w") as output:
        with redirect_stdout(output), pytest.raises(SystemExit):
            doctor.main([])
        output.flush()
        said = terminal.read(10_000)
    assert b"DATABASE_URL is missing" in said
    assert (b"\x1b[31mfault" in said) is colours


def test_the_json_has_the_documented_shape(clinic: Clinic) -> None:
    done = run(clinic.environ(EMBED_ORIGINS="https://www.example.com"), "--json")
    report = json.loads(done.stdout)
    assert set(report) == {"version", "healthy", "counts", "findings"}
    assert (report["version"], report["healthy"]) == (1, True)
    levels = ["ok", "warning", "fault", "skipped"]
    assert list(report["counts"]) == levels
    assert sum(report["counts"].values()) == len(report["findings"])
    for finding in report["findings"]:
        assert list(finding) == ["condition", "level", "says", "mend"]
        assert finding["level"] in levels
        assert finding["says"]
        assert finding["mend"] != ""
    assert list(dict.fromkeys(x["condition"] for x in report["findings"])) == list(CHECKS)
    assert done.exit_code == 0


def test_a_warning_alone_is_no_failure(clinic: Clinic) -> None:
    done = run(clinic.environ(EMBED_ORIGINS="https://www.example.com"))
    assert "warning  embedding" in done.stdout
    assert done.exit_code == 0


@pytest.mark.parametrize("fingerprint", ["", "123", "0123456789ag", "0123456789abc"])
def test_a_fingerprint_that_is_none_is_a_mistake_of_the_command_line(fingerprint: str) -> None:
    done = run({}, "--fingerprint", fingerprint)
    assert done.exit_code == 2
    assert "must be 12 hex digits" in done.output


def test_grants_without_a_database_say_why_and_fail(clinic: Clinic) -> None:
    for environ, reason in (
        ({}, "a setting of the database is faulty; flask doctor says more\n"),
        ({"DATABASE_URL": "postgresql://a:pass-phrase@127.0.0.1:1/b"}, "refused"),
    ):
        done = run(environ, "--grants")
        assert (done.exit_code, done.stdout) == (1, "")
        assert reason in done.stderr
        assert "pass-phrase" not in done.stderr


def run(environ: dict[str, str], *words: str):
    """Run the command in this process, with these variables alone."""
    return CliRunner().invoke(doctor, words, env={**dict.fromkeys(os.environ), **environ})
