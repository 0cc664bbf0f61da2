"""What the doctor says about a condition."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from onboarding.doctor.installation import Installation


class Level(StrEnum):
    """How bad it is. Only a fault keeps the app from working as it should."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """One line of the report, and under it what to do about it, where there is anything to do."""

    level: Level
    says: str
    mend: str = ""


Check = Callable[[Installation], Iterator[Finding]]


def ok(says: str, mend: str = "") -> Finding:
    """Give a finding that is as it should be; `mend` is what else to see to."""
    return Finding(Level.OK, says, mend)


def warning(says: str, mend: str = "") -> Finding:
    """Give a finding that works, yet deserves a look."""
    return Finding(Level.WARNING, says, mend)


def fault(says: str, mend: str = "") -> Finding:
    """Give a finding that keeps the app from working."""
    return Finding(Level.FAULT, says, mend)


def skipped(says: str, mend: str = "") -> Finding:
    """Give the reason why a condition was not looked at."""
    return Finding(Level.SKIPPED, says, mend)


def split(line: str) -> tuple[str, str]:
    """Part a line ``what is wrong: what mends it`` into the two; the second may be empty."""
    says, _, mend = line.partition(": ")
    return says, mend
