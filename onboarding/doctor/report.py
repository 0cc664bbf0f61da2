"""What the doctor found, for people and for machines."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from onboarding.doctor.findings import Finding, Level

# The shape of the JSON; raised when a reader of the old one would go wrong.
VERSION = 1


@dataclass(frozen=True)
class Line:
    """A finding and the condition that it is about."""

    condition: str
    finding: Finding


@dataclass(frozen=True)
class Report:
    """All findings, in the order of the checks."""

    lines: tuple[Line, ...]

    @property
    def has_fault(self) -> bool:
        """Tell whether anything keeps the app from working."""
        return any(line.finding.level is Level.FAULT for line in self.lines)

    def text(self, paint: Callable[[Level, str], str] = lambda _, word: word) -> str:
        """Give the report in columns; `paint` colours the word for a level."""
        first = max(map(len, Level))
        second = max(len(line.condition) for line in self.lines)
        written = []
        for line in self.lines:
            level, finding = line.finding.level, line.finding
            word = paint(level, level.value.ljust(first))
            written.append(f"{word}  {line.condition.ljust(second)}  {_printable(finding.says)}")
            if finding.mend:
                written.append(f"{' ' * (first + second + 4)}> {_printable(finding.mend)}")
        counts = self._counts()
        summary = ", ".join(f"{_counted(counts[level], level)}" for level in Level)
        return "\n".join([*written, "", summary])

    def json(self) -> str:
        """Give the report as a JSON object (see docs/doctor.md)."""
        counts = self._counts()
        return json.dumps(
            {
                "version": VERSION,
                "healthy": not self.has_fault,
                "counts": {level.value: counts[level] for level in Level},
                "findings": [
                    {
                        "condition": line.condition,
                        "level": line.finding.level.value,
                        "says": line.finding.says,
                        "mend": line.finding.mend or None,
                    }
                    for line in self.lines
                ],
            },
            indent=2,
        )

    def _counts(self) -> Counter[Level]:
        return Counter(line.finding.level for line in self.lines)


def _counted(count: int, level: Level) -> str:
    plural = "s" if level in (Level.WARNING, Level.FAULT) and count != 1 else ""
    return f"{count} {level.value}{plural}"


def _printable(said: str) -> str:
    # Names come from a database and a main site: none of them may steer the terminal.
    return "".join(character if character.isprintable() else "?" for character in said)
