"""Runs code in Node, as a site's server would."""

import json
import subprocess
from pathlib import Path
from typing import Any

from devstack.main_site import node
from devstack.processes import ROOT


def run_node(code: str, folder: Path = ROOT / "tests", **environ: str) -> Any:
    """Run a module beside the packages of `folder`; return what it writes as JSON."""
    command = [node(), "--input-type=module", "-e", code]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
