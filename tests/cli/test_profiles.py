"""`profiles`: what operators see, export, and may reset."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from psycopg import sql

from devstack.processes import INHERITED, ROOT
from onboarding.cli.profiles import profiles
from tests.questionnaires import DEFAULT, other_answers, some_answers
from tests.schemas import create_scratch_database

pytestmark = pytest.mark.slow

SOME, OTHER = some_answers(), other_answers()
ODD_ID = 'eve \\ "x", é'
# Id, answers, whether they are final, and when the row was made and last saved.
ROWS = [
    ("ada", OTHER, True, "2026-11-01 10:00", "2026-11-02 10:00:00.5"),
    ("bob", SOME, True, "2026-11-08", "2026-11-08 23:59"),
    (ODD_ID, OTHER, True, "2026-11-09", "2026-11-09"),
    ("tim", SOME, False, "2026-11-09", "2026-11-09"),
]
IDS = [row[0] for row in ROWS]
ADA = {
    "user_id": "ada",
    **OTHER,
    "is_onboarded": True,
    "created_at": "2026-11-01T10:00:00Z",
    "updated_at": "2026-11-02T10:00:00Z",
}
MANY = 100_000
# Prints its highest use of memory in kB. On Linux the usage that the system reports begins with that
# of the process that started this one.
MEASURED = """
import pathlib, re, resource, sys
from onboarding.cli.profiles import profiles
profiles.main(sys.argv[1:], standalone_mode=False)
status = pathlib.Path("/proc/self/status")
print(
    re.search(r"VmHWM:\\s+(\\d+) kB", status.read_text())[1]
    if status.exists()
    else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    file=sys.stderr,
)
"""


def table(id_type: str = "text") -> str:
    """Return the statement that creates the table, without what the commands don't need."""
    columns = ", ".join(f"{name} text NOT NULL" for name in DEFAULT.names)
    return (
        f'CREATE TABLE "user" (id {id_type}, name text, email text, "isAnonymous" boolean);'
        f"CREATE TABLE user_profile (user_id {id_type} PRIMARY KEY, {columns},"
        " is_onboarded boolean NOT NULL, created_at timestamp NOT NULL,"
        " updated_at timestamp NOT NULL)"
    )


def insert(*rows: tuple) -> str:
    """Return the statement that inserts rows in the form of `ROWS`."""
    return "".join(
        sql.SQL("INSERT INTO user_profile VALUES ({});")
        .format(sql.SQL(", ").join(map(sql.Literal, (user_id, *answers.values(), *more))))
        .as_string()
        for user_id, answers, *more in rows
    )


USERS = """
    INSERT INTO "user" VALUES ('ada', 'Ada', 'Ada@example.com'), ('bob', 'Bob', 'bob@example.com'),
    ('tim', 'Tim', 'tim@example.com'), ('new', 'New', 'new@example.com'), ('TWIN', '', 't@example.com'),
    ('twin', '', 'T@example.com'), ('guest', '', 'guest@example.com');
    UPDATE "user" SET "isAnonymous" = id = 'guest';
"""


@pytest.fixture(scope="module")
def scratch_database(server):
    with create_scratch_database(server, "profile_commands") as scratch_database:
        yield scratch_database


@pytest.fixture
def schema(scratch_database, request):
    name = f"s{abs(hash(request.node.name))}"
    return scratch_database.create_schema(name, f"{table()}; {USERS} {insert(*ROWS)}")


@pytest.fixture
def run(schema, tmp_path):
    """Run a command in an empty directory and return its result."""

    def run(*words: str, typed: str = "", url: str | None = None):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(tmp_path)
            return CliRunner().invoke(
                profiles, words, input=typed, env={"DATABASE_URL": url or schema.url()}
            )

    return run


def ids(schema) -> list[str]:
    return [row[0] for row in schema.sql("SELECT user_id FROM user_profile ORDER BY 1")]


@pytest.mark.parametrize("user", ["ada", "ADA", "Ada@example.com", "ada@EXAMPLE.com"])
def test_show_prints_the_profile_of_an_id_or_an_e_mail_address(run, user):
    done = run("show", user)
    assert done.exit_code == 0
    assert [line.split(None, 1)[1] for line in done.output.splitlines()] == [
        str(value) for value in ADA.values()
    ]


NO_PROFILE = {
    "nobody": "there is no user nobody",
    "no@example.com": "there is no user no@example.com",
    "\udcff": "there is no user '\\udcff'",
    "new@example.com": "new@example.com has no profile yet",
    "twin": "twin has no profile yet",
    "Twin": "2 users match Twin: give an id",
}


@pytest.mark.parametrize("words", [["show"], ["reset", "--reason", "x", "--yes"]], ids=" ".join)
@pytest.mark.parametrize(("user", "line"), NO_PROFILE.items(), ids=ascii)
def test_who_has_no_profile_and_who_does_not_exist_are_told_apart(run, words, user, line):
    done = run(*words, user)
    assert (done.exit_code, done.output) == (1, f"{line}\n")


def test_without_the_user_table_only_an_id_is_found(run, schema, scratch_database):
    uuids = scratch_database.create_schema("uuids", table("uuid"))
    assert run("show", "ada", url=uuids.url()).output == "there is no user ada\n"
    schema.sql('ALTER TABLE "user" RENAME TO users')
    assert run("show", "ada").exit_code == 0
    assert "BETTER_AUTH_USER_TABLE" in run("show", "ada@example.com").output
    assert run("stats").stdout.split()[:2] == ["Registered", "unknown"]


def test_export_writes_every_row_as_csv_or_as_lines_of_json(run):
    rows = list(csv.DictReader(io.StringIO(run("export").stdout)))
    assert [row["user_id"] for row in rows] == IDS
    assert rows[0] == {**ADA, "is_onboarded": "t"}
    lines = list(map(json.loads, run("export", "--format", "jsonl").stdout.splitlines()))
    assert [row["user_id"] for row in lines] == IDS
    assert lines[0] == ADA


def test_stats_count_by_answer_and_by_week(run, schema):
    lines = [" ".join(line.split()) for line in run("stats").stdout.splitlines()]
    # A guest isn't registered; a user of another row may have been deleted by hand.
    assert lines[:3] == ["Registered 6", "Started 4 66.7%", "Finished 3 50.0%"]
    for question in DEFAULT:
        counted = {SOME[question.name]: "1 33.3%", OTHER[question.name]: "2 66.7%"}
        for value in question.values:
            assert f"{value} {counted.get(value, '0 0.0%')}" in lines
    assert lines[-2:] == ["2026-11-02 2 66.7%", "2026-11-09 1 33.3%"]
    assert run("stats", "--weeks", "1").stdout.splitlines()[-1].split()[0] == "2026-11-09"
    assert "2026" not in run("stats", "--weeks", "0").stdout
    schema.sql("DELETE FROM user_profile")
    assert run("stats").stdout.split()[2:8] == ["Started", "0", "0.0%", "Finished", "0", "0.0%"]


def test_a_confirmed_reset_deletes_the_profile_and_writes_it_to_the_audit_file(
    run, schema, tmp_path
):
    done = run("reset", "ada", "--reason", 'asked by "mail"\nherself', typed="y\n")
    assert done.exit_code == 0
    assert ids(schema) == IDS[1:]
    [line] = (tmp_path / "profile-resets.jsonl").read_text().splitlines()
    written = json.loads(line)
    assert written["at"].endswith("Z")
    assert written["by"]
    assert written["database_role"]
    assert written["reason"] == 'asked by "mail"\nherself'
    assert written["deleted"] == ADA
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
def test_an_incomplete_reset_deletes_nothing(run, schema, words):
    for typed in ("n\n", ""):
        assert run("reset", "ada", *words, typed=typed).exit_code > 0
    assert ids(schema) == IDS


def test_the_app_s_own_role_may_not_reset(run, schema, tmp_path):
    schema.sql("CREATE ROLE may_not_delete LOGIN PASSWORD 'x'")
    schema.sql(f"GRANT USAGE ON SCHEMA {schema.name} TO may_not_delete")
    schema.sql("GRANT SELECT, INSERT, UPDATE ON user_profile TO may_not_delete")
    try:
        url = f"postgresql://may_not_delete:x@{schema.url().rpartition('@')[2]}"
        done = run("reset", "ada", "--reason", "x", "--yes", url=url)
        assert done.exit_code == 1
        assert "permission denied for table user_profile" in done.output
        named = run("show", "ada@example.com", url=url)
        assert "permission denied for table user: give a DATABASE_URL" in named.output
        assert ids(schema) == IDS
        assert not (tmp_path / "profile-resets.jsonl").exists()
    finally:
        schema.sql("DROP OWNED BY may_not_delete")
        schema.sql("DROP ROLE may_not_delete")


def test_a_database_that_is_away_or_a_wrong_setting_is_told_in_a_line(run):
    away = run("stats", url="postgresql://nobody:a-password@127.0.0.1:9/gone")
    assert away.exit_code == 1
    assert "refused" in away.output
    assert "a-password" not in away.output
    wrong = run("stats", url="mysql://host/name")
    assert (wrong.exit_code, wrong.output) == (2, "DATABASE_URL must start with postgresql://\n")


def start(url: str, *words: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE):
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", MEASURED, *words],
        cwd=ROOT,
        env={**inherited, "DATABASE_URL": url},
        stdout=stdout,
        stderr=stderr,
    )


def many_rows(scratch_database, name: str, count: int):
    values = ", ".join(sql.Literal(value).as_string() for value in OTHER.values())
    return scratch_database.create_schema(
        name,
        f"{table()}; INSERT INTO user_profile SELECT 'user ' || n, {values}, true, now(), now()"  # noqa: S608
        f" FROM generate_series(1, {count}) n",
    )


def test_a_large_export_takes_no_more_memory_than_a_small_one(scratch_database, schema):
    peaks = []
    for source, rows in ((schema, len(ROWS)), (many_rows(scratch_database, "many", MANY), MANY)):
        with start(source.url(), "export", "--format", "jsonl") as child:
            chunks = iter(lambda child=child: child.stdout.read(65536), b"")
            assert sum(chunk.count(b"\n") for chunk in chunks) == rows
            peaks.append(int(child.stderr.read()))
    assert peaks[1] - peaks[0] < 5 * 1024


def test_there_is_a_progress_bar_on_a_terminal_only(schema):
    reader, writer = pty.openpty()
    with start(schema.url(), "export", stderr=writer) as child:
        os.close(writer)
        rows = child.stdout.read()
        child.wait()
        drawn = os.read(reader, 65536)
    os.close(reader)
    assert rows.startswith(f"user_id,{DEFAULT.names[0]},".encode())
    assert b"100%" in drawn
    with start(schema.url(), "export") as child:
        assert b"%" not in child.communicate()[1]


@pytest.mark.parametrize("reader", ["one that leaves", "a full disk"])
def test_an_export_whose_output_breaks_ends_with_a_line(scratch_database, reader):
    crowd = many_rows(scratch_database, f"crowd_{reader[0]}", 50_000)
    with (
        Path("/dev/full").open("wb") as full,
        subprocess.Popen(
            [sys.executable, "-m", "flask", "profiles", "export"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": crowd.url()},
            stdout=full if reader == "a full disk" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        if child.stdout:
            child.stdout.readline()
            child.stdout.close()
        text = child.stderr.read()
        assert child.wait(20) == 1
    assert text.startswith("the export is incomplete: ")
    assert text.count("\n") == 1
