"""`docs/compatibility.md` shows what the tests of this folder run."""

import json

from devstack.main_site import DIRECTORY
from tests.compat.document import DOCUMENT, generated
from tests.compat.sites import NEWEST, OLDEST


def test_the_tables_are_up_to_date() -> None:
    document = DOCUMENT.read_text()
    assert document == generated(document), "run `make compatibility`"


def test_the_promised_versions_are_those_that_run() -> None:
    assert f"Better-Auth {OLDEST} to {NEWEST}" in DOCUMENT.read_text()
    packages = json.loads((DIRECTORY / "package.json").read_text())
    assert packages["dependencies"]["better-auth"] == NEWEST
