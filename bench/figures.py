"""Medians and their spread over the rounds of one run, and ratios within it."""

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """The median of the rounds' own ratios: what slowed a round down slowed both."""
    return median([one / other for one, other in zip(values, base, strict=True)])


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median with the least and the greatest, as the tables show it."""
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"
