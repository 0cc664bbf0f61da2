"""The types of <onboarding-frame> and of the API's client, as TypeScript's own compiler reads them."""

import subprocess

import pytest

from devstack.main_site import node
from devstack.processes import ROOT

pytestmark = pytest.mark.slow

TYPES = ROOT / "tests" / "types"
COMPILER = ROOT / "tests" / "node_modules" / "typescript" / "bin" / "tsc"


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.react.json"])
def test_a_page_may_write_what_is_there_and_nothing_else(project: str) -> None:
    # What must be an error is marked in the files; unmarked errors and vain marks both fail.
    done = subprocess.run([node(), COMPILER, "-p", TYPES / project], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
