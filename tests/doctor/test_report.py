"""A report prints whatever was found, and no check can break it."""

from collections.abc import Iterator

from onboarding.doctor.installation import Installation
from onboarding.doctor.report import Finding, Report, ok
from tests.doctor.conftest import run_check


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
