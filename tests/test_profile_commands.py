"""`flask profiles`: what operators see, what they take with them, and what they may open again."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from devstack.processes import INHERITED, ROOT
from onboarding.cli import app_for_commands
from onboarding.profile_commands import profiles
from onboarding.profiles.records import COLUMNS
from tests.places import divided

TABLE = """
    CREATE TABLE user_profile (
        user_id text PRIMARY KEY, python_proficiency text NOT NULL, developer_role text NOT NULL,
        is_onboarded boolean NOT NULL, created_at timestamp NOT NULL, updated_at timestamp NOT NULL
    );
"""
PEOPLE = """
    INSERT INTO user_profile VALUES
        ('ada', 'Advanced', 'None', true, '2026-11-01 10:00', '2026-11-02 10:00:00.5'),
        ('bob', 'Beginner', 'Backend Developer', true, '2026-11-08', '2026-11-08 23:59'),
        ('eve \\ "x", é', 'Advanced', 'None', true, '2026-11-09', '2026-11-09'),
        ('tim', 'Beginner', 'None', false, '2026-11-09', '2026-11-09');
"""
ADA = {
    "user_id": "ada",
    "python_proficiency": "Advanced",
    "developer_role": "None",
    "is_onboarded": True,
    "created_at": "2026-11-01T10:00:00Z",
    "updated_at": "2026-11-02T10:00:00Z",
}
MANY = 1_000_000
# Says at the end how much memory it had at its highest, in kB. On Linux the usage that the system
# reports begins with that of the process that started this one.
MEASURED = """
import pathlib, re, resource, sys
from onboarding.profile_commands import profiles
profiles.main(sys.argv[1:], standalone_mode=False)
status = pathlib.Path("/proc/self/status")
print(
    re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    file=sys.stderr,
)
"""


@pytest.fixture(scope="module")
def places(server):
    with divided(server, "profile_commands") as places:
        yield places


@pytest.fixture
def place(places, request):
    return places.settle(f"s{abs(hash(request.node.name))}", TABLE + PEOPLE)


@pytest.fixture
def run(place, tmp_path):
    """Run a command where nothing lies, and give its result."""

    def run(*words: str, typed: str = "", url: str | None = None):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            return CliRunner().invoke(
                profiles, words, input=typed, env={"DATABASE_URL": url or place.url()}
            )

    return run


def ids(place) -> list[str]:
    return [row[0] for row in place.sql("SELECT user_id FROM user_profile ORDER BY 1")]


def test_shows_one(run):
    done = run("show", "ada")
    assert done.exit_code == 0
    assert [line.split(None, 1)[1] for line in done.output.splitlines()] == [
        str(value) for value in ADA.values()
    ]


@pytest.mark.parametrize("command", ["show", "reset"])
def test_somebody_without_a_profile_is_told_plainly(run, command):
    done = run(command, "nobody", *(["--reason", "x"] if command == "reset" else []))
    assert (done.exit_code, done.output) == (1, "nobody has no profile\n")


def test_an_id_of_another_kind_is_nobody(places, run):
    uuids = places.settle("uuids", TABLE.replace("text PRIMARY", "uuid PRIMARY"))
    assert run("show", "ada", url=uuids.url()).output == "ada has no profile\n"


def test_exports_everything_as_csv(run):
    rows = list(csv.DictReader(io.StringIO(run("export").stdout)))
    assert [row["user_id"] for row in rows] == ["ada", "bob", 'eve \\ "x", é', "tim"]
    assert rows[0] == {**ADA, "is_onboarded": "t"}


def test_exports_everything_as_a_line_of_json_each(run):
    rows = list(map(json.loads, run("export", "--format", "jsonl").stdout.splitlines()))
    assert [row["user_id"] for row in rows] == ["ada", "bob", 'eve \\ "x", é', "tim"]
    assert rows[0] == ADA


def test_counts_by_answer_and_by_week(run, tmp_path):
    done = run("stats", "--svg", "chart.svg")
    words = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert words == [
        *("3 completed, 1 drafts", ""),
        *("Python proficiency", "Beginner 1 33.3%", "Intermediate 0 0.0%", "Advanced 2 66.7%", ""),
        *("Developer role", "Frontend Developer 0 0.0%", "Backend Developer 1 33.3%"),
        *("Full Stack Developer 0 0.0%", "None 2 66.7%", ""),
        *("Completed in the week of", "2026-11-02 2 66.7%", "2026-11-09 1 33.3%"),
    ]
    chart = ElementTree.parse(tmp_path / "chart.svg").getroot()  # noqa: S314 - our own
    bars = [bar.get("width") for bar in chart.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars == ["150", "0", "300", "0", "150", "0", "300", "300", "150"]


def test_counts_the_latest_weeks_and_nothing_at_all(run, place):
    assert run("stats", "--weeks", "1").stdout.splitlines()[-1].split()[0] == "2026-11-09"
    assert "2026" not in run("stats", "--weeks", "0").stdout
    place.sql("DELETE FROM user_profile")
    assert run("stats", "--svg", "chart.svg").stdout.startswith("0 completed, 0 drafts\n")


def test_a_reset_is_asked_for_and_leaves_a_line(run, place, tmp_path):
    done = run("reset", "ada", "--reason", 'asked by "mail"\nherself', typed="y\n")
    assert done.exit_code == 0
    assert ids(place) == ["bob", 'eve \\ "x", é', "tim"]
    [line] = (tmp_path / "profile-resets.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert told.pop("at").endswith("Z")
    assert told.pop("by")
    assert told.pop("database_role")
    assert told == {
        "event": "profile reset",
        "reason": 'asked by "mail"\nherself',
        "deleted": ADA,
    }
    assert run("reset", "bob", "--reason", "x", "--yes").exit_code == 0
    assert len((tmp_path / "profile-resets.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--reason", "x", "--audit-file", "no-such-directory/file", "--yes"],
        ["--reason", " ", "--yes"],
        ["--yes"],
        ["--reason", "x"],
    ],
    ids=["nowhere to write", "no reason", "no option", "not confirmed"],
)
def test_a_reset_that_is_not_all_right_deletes_nothing(run, place, words):
    before = ids(place)
    for typed in ("n\n", ""):
        assert run("reset", "ada", *words, typed=typed).exit_code > 0
    assert ids(place) == before


def test_the_app_s_own_role_may_not_reset(run, place, tmp_path):
    place.sql("CREATE ROLE may_not_delete LOGIN PASSWORD 'x'")
    place.sql(f"GRANT USAGE ON SCHEMA {place.schema} TO may_not_delete")
    place.sql("GRANT SELECT, INSERT, UPDATE ON user_profile TO may_not_delete")
    try:
        host = place.url().rpartition("@")[2]
        done = run(
            *("reset", "ada", "--reason", "x", "--yes"),
            url=f"postgresql://may_not_delete:x@{host}",
        )
        assert done.exit_code == 1
        assert "permission denied for table user_profile: give a DATABASE_URL" in done.output
        assert "ada" in ids(place)
        assert not (tmp_path / "profile-resets.jsonl").exists()
    finally:
        place.sql("DROP OWNED BY may_not_delete")
        place.sql("DROP ROLE may_not_delete")


def test_a_database_that_is_away_or_a_wrong_setting_is_told_in_a_line(run):
    away = run("stats", url="postgresql://nobody:a-password@127.0.0.1:9/gone")
    assert away.exit_code == 1
    assert "refused" in away.output
    assert "a-password" not in away.output
    wrong = run("stats", url="mysql://host/name")
    assert (wrong.exit_code, wrong.output) == (2, "DATABASE_URL must start with postgresql://\n")


def test_nothing_of_it_is_reachable_over_http(app):
    assert "profiles" in app_for_commands().cli.commands
    assert "profiles" not in app.cli.commands
    modules = {view.__module__ for view in app.view_functions.values()}
    assert not any("profile_commands" in name or "records" in name for name in modules)


def measured(url: str, *words: str, stderr: int = subprocess.PIPE):
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", MEASURED, *words],
        cwd=ROOT,
        env={**inherited, "DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=stderr,
    )


def test_a_million_profiles_take_no_more_memory_than_four(places, place):
    many = places.settle("many", TABLE)
    many.sql(
        "INSERT INTO user_profile SELECT 'user ' || n, 'Advanced', 'Full Stack Developer', true,"
        " now(), now() FROM generate_series(1, %s) n",
        MANY,
    )
    peaks = []
    for where, rows in ((place, 4), (many, MANY)):
        with measured(where.url(), "export", "--format", "jsonl") as child:
            assert (
                sum(chunk.count(b"\n") for chunk in iter(lambda: child.stdout.read(65536), b""))
                == rows
            )
            peaks.append(int(child.stderr.read()))
    print(
        f"{peaks[1] / 1024:.0f} MB at the most, {(peaks[1] - peaks[0]) / 1024:.1f} MB more than for 4"
    )
    assert peaks[1] - peaks[0] < 5 * 1024


def test_only_on_a_terminal_is_there_a_progress_bar(place):
    ours, theirs = pty.openpty()
    with measured(place.url(), "export", stderr=theirs) as child:
        os.close(theirs)
        rows = child.stdout.read()
        child.wait()
        drawn = os.read(ours, 65536)
    os.close(ours)
    assert rows.startswith(",".join(COLUMNS).encode())
    assert b"exporting" in drawn
    assert b"100%" in drawn
    with measured(place.url(), "export") as child:
        assert b"exporting" not in child.communicate()[1]


@pytest.mark.parametrize("reader", ["one that leaves", "a full disk"])
def test_an_export_whose_output_breaks_ends_with_a_line(places, place, reader):
    crowd = places.settle(f"crowd_{reader[0]}", TABLE)
    crowd.sql(
        "INSERT INTO user_profile SELECT 'user ' || n, 'Advanced', 'None', true, now(), now()"
        " FROM generate_series(1, 50000) n"
    )
    command = [sys.executable, "-m", "flask", "profiles", "export"]
    environ = {**os.environ, "DATABASE_URL": crowd.url()}
    with (
        open("/dev/full", "wb") as full,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environ,
            stdout=full if reader == "a full disk" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        if child.stdout:
            child.stdout.readline()
            child.stdout.close()
        said = child.stderr.read()
        assert child.wait(20) == 1
    assert said.startswith("not all was written: ")
    assert said.count("\n") == 1


def test_a_chart_that_cannot_be_written_is_told_in_a_line(run):
    done = run("stats", "--svg", "/nonexistent/chart.svg")
    assert done.exit_code in (1, 2)
    assert "can't be written" in done.output or "nonexistent" in done.output
    assert "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit)


def test_an_id_that_is_no_text_is_nobody(run):
    done = run("show", "\udcff")
    assert (done.exit_code, done.output) == (1, "'\\udcff' has no profile\n")


def test_an_operator_without_a_name_is_told_by_number(run, place, tmp_path, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert run("reset", "ada", "--reason", "asked", "--yes").exit_code == 0
    line = json.loads((tmp_path / "profile-resets.jsonl").read_text())
    assert line["by"] == f"uid {os.getuid()}"
