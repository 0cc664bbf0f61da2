"""`docs/compatibility.md` shows what the suite runs, and nothing that nobody has found out."""

import json

import pytest

from devstack import redis
from devstack.main_site import DIRECTORY
from devstack.processes import StartFailed
from tests.compat.document import DOCUMENT, VERSIONS, block, run, tables, written
from tests.compat.sites import NEWEST, OLDEST


def test_the_tables_are_those_that_would_be_written_now() -> None:
    assert block() == tables(written()), "run `make compatibility`"


def test_every_preset_and_version_that_is_run_has_a_result_and_no_other() -> None:
    assert set(written()) == run()


def test_the_versions_that_are_promised_are_those_that_are_run() -> None:
    assert f"Better-Auth {OLDEST} to {NEWEST}" in DOCUMENT.read_text()


def test_nothing_that_is_documented_fails() -> None:
    assert [row for row, result in written().items() if "fails" in result] == []


def test_the_newest_version_is_that_of_the_example() -> None:
    packages = json.loads((DIRECTORY / "package.json").read_text())
    assert packages["dependencies"]["better-auth"] == NEWEST == VERSIONS[0]


def test_a_missing_redis_is_an_error_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "WHEEL", "no_such_wheel")
    monkeypatch.setenv("PATH", "/nowhere")
    with (
        pytest.raises(StartFailed, match="install valkey-server or redis-server"),
        redis.temporary(),
    ):
        pass
