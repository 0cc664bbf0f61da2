"""What the doctor finds, as text for people and as JSON for programs."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from onboarding.doctor.installation import Installation

# The format of the JSON; raised when programs that read the old one would break.
VERSION = 2


class Level(StrEnum):
    """How serious a finding is. Only a fault keeps the app from working."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it, if anything."""

    level: Level
    message: str
    fix: str = ""


ok = partial(Finding, Level.OK)
warning = partial(Finding, Level.WARNING)
fault = partial(Finding, Level.FAULT)
skipped = partial(Finding, Level.SKIPPED)

Check = Callable[[Installation], Iterator[Finding]]


@dataclass(frozen=True)
class Report:
    """All findings with the condition that each is about, in the order of the checks."""

    findings: tuple[tuple[str, Finding], ...]

    @property
    def has_fault(self) -> bool:
        """Whether anything keeps the app from working."""
        return any(finding.level is Level.FAULT for _, finding in self.findings)

    def text(self, style: Callable[[Level, str], str] = lambda _, word: word) -> str:
        """Return the report in columns; `style` colours the word for a level."""
        level_width = max(map(len, Level))
        condition_width = max(len(condition) for condition, _ in self.findings)
        lines = []
        for condition, finding in self.findings:
            level = style(finding.level, finding.level.ljust(level_width))
            lines.append(f"{level}  {condition.ljust(condition_width)}  {_safe(finding.message)}")
            if finding.fix:
                lines.append(f"{' ' * (level_width + condition_width + 4)}> {_safe(finding.fix)}")
        counts = ", ".join(_counted(count, level) for level, count in self._counts().items())
        return "\n".join([*lines, "", counts])

    def json(self) -> str:
        """Return the report as a JSON object (see docs/doctor.md)."""
        return json.dumps(
            {
                "version": VERSION,
                "healthy": not self.has_fault,
                "counts": self._counts(),
                "findings": [
                    {
                        "condition": condition,
                        "level": finding.level,
                        "message": finding.message,
                        "fix": finding.fix or None,
                    }
                    for condition, finding in self.findings
                ],
            },
            indent=2,
        )

    def _counts(self) -> dict[Level, int]:
        counts = Counter(finding.level for _, finding in self.findings)
        return {level: counts[level] for level in Level}


def _counted(count: int, level: Level) -> str:
    plural = "s" if level in (Level.WARNING, Level.FAULT) and count != 1 else ""
    return f"{count} {level}{plural}"


def _safe(text: str) -> str:
    # Names come from a database and a main site: none of them may control the terminal.
    return "".join(character if character.isprintable() else "?" for character in text)
