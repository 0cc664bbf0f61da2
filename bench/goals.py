"""The goals beside what was measured, met or not: each part of the measurements writes its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from bench.document import table


@dataclass(frozen=True)
class Goal:
    """A measure with the most it may be; with the least, where `at_least`."""

    measure: str
    must: float
    stretch: float
    measured: float
    at_least: bool = False

    def row(self) -> list[str]:
        """The goal as a row of the table."""
        sign = "≥" if self.at_least else "≤"
        bounds = [f"{sign} {bound:g}" for bound in (self.must, self.stretch)]
        return [self.measure, *bounds, f"{self.measured:.2f}", self.verdict]

    @property
    def verdict(self) -> str:
        """How far it is met."""
        for bound, verdict in ((self.stretch, "stretch met"), (self.must, "met")):
            if (self.measured >= bound) if self.at_least else (self.measured <= bound):
                return verdict
        return "**missed**"


def goals_table(goals: Iterable[Goal]) -> list[str]:
    """The table's lines."""
    return table(["goal", "must", "stretch", "measured", ""], (goal.row() for goal in goals))
