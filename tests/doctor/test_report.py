"""A report prints whatever was found, and no check can break it."""

from collections.abc import Iterator

from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, Report, fault, ok
from tests.doctor.conftest import run_check


def test_columns_are_aligned_and_the_fix_is_below() -> None:
    report = Report((("one", ok("fine")), ("longer", fault("broken", "repair it"))))
    assert report.text().splitlines() == [
        "ok       one     fine",
        "fault    longer  broken",
        "                 > repair it",
        "",
        "1 ok, 0 warnings, 1 fault, 0 skipped",
    ]


def test_names_from_elsewhere_cannot_control_the_terminal() -> None:
    report = Report((("one", ok("\x1b[2Ja\nb", "c\x07\x9b")),))
    assert report.text().splitlines()[:2] == ["ok       one  ?[2Ja?b", "              > c??"]


def test_a_check_that_fails_itself_is_a_fault_without_the_error_message() -> None:
    def check(_: Installation) -> Iterator[Finding]:
        yield ok("so far")
        raise ValueError("pass-phrase")

    first, last = run_check(check, {})
    assert first == ok("so far")
    assert (last.level, last.message) == ("fault", "the check itself failed: ValueError")
