"""A report says what was found, whatever that is, and never breaks."""

from collections.abc import Iterator

import pytest

from onboarding.doctor import CHECKS, _findings
from onboarding.doctor.findings import Finding, fault, ok
from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Line, Report


def test_columns_are_aligned_and_the_mend_stands_below() -> None:
    report = Report((Line("one", ok("fine")), Line("longer", fault("broken", "mend it"))))
    assert report.text().splitlines() == [
        "ok       one     fine",
        "fault    longer  broken",
        "                 > mend it",
        "",
        "1 ok, 0 warnings, 1 fault, 0 skipped",
    ]


def test_names_from_elsewhere_dont_steer_the_terminal() -> None:
    report = Report((Line("one", ok("\x1b[2Ja\nb", "c\x07\x9b")),))
    assert report.text().splitlines()[:2] == ["ok       one  ?[2Ja?b", "              > c??"]


def test_a_check_that_fails_itself_says_so_without_repeating_what_it_saw() -> None:
    def check(_: Installation) -> Iterator[Finding]:
        yield ok("so far")
        raise ValueError("pass-phrase")

    findings = list(_findings(check, Installation({})))
    assert [finding.says for finding in findings] == [
        "so far",
        "the check itself failed: ValueError",
    ]


@pytest.mark.parametrize("condition", CHECKS)
def test_every_check_says_what_it_is_about(condition: str) -> None:
    assert CHECKS[condition].__doc__
