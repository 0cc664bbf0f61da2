"""The fingerprint of a secret is the one that Node prints beside the main site."""

import os
import subprocess

import pytest

from devstack.processes import ROOT
from onboarding.doctor.secret import SNIPPETS, fingerprint

SECRET = "a secret: of the main site, with an é"


@pytest.mark.parametrize(
    ("variable", "value", "secret"),
    [
        ("BETTER_AUTH_SECRET", SECRET, SECRET),
        ("BETTER_AUTH_SECRET", f" {SECRET} ", f" {SECRET} "),
        ("BETTER_AUTH_SECRETS", "2: new: with a colon ,1:old", "new: with a colon"),
    ],
)
def test_node_prints_the_same_fingerprint(variable: str, value: str, secret: str) -> None:
    printed = subprocess.run(
        ["sh", "-c", SNIPPETS[variable]],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], variable: value},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.strip() == fingerprint(secret)
