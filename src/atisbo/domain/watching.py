"""How well a version does over time, in numbers that a person can judge: shares with intervals, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

_Z: Final = 1.959963984540054
"""Of a 95 % interval."""
BINS: Final = 10


@dataclass(frozen=True)
class Share:
    """``count`` of ``total`` with the Wilson interval (Wilson, 1927), 95 %; all None where the total is 0."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, count: int, total: int) -> Share:
        if total == 0:
            return cls(count, total, None, None, None)
        p = count / total
        middle = p + _Z**2 / (2 * total)
        reach = _Z * sqrt(p * (1 - p) / total + _Z**2 / (4 * total**2))
        scale = 1 + _Z**2 / total
        return cls(count, total, p, max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale))


@dataclass(frozen=True)
class Bin:
    """Answers whose probability lies in one tenth: how sure they were on average, and how many were right."""

    said: float
    right: Share


@dataclass(frozen=True)
class Calibration:
    """``error`` is the expected calibration error (Naeini et al., 2015); None without a reviewed answer."""

    bins: tuple[Bin, ...]
    error: float | None

    @classmethod
    def of(cls, answers: Sequence[tuple[float, bool]]) -> Calibration:
        """Of pairs of an answer's probability and whether it was right."""
        bins: list[Bin] = []
        for number in range(BINS):
            inside = [one for one in answers if min(int(one[0] * BINS), BINS - 1) == number]
            if inside:
                said = sum(probability for probability, _ in inside) / len(inside)
                bins.append(Bin(said, Share.of(sum(right for _, right in inside), len(inside))))
        if not answers:
            return cls((), None)
        gaps = (abs(one.said - (one.right.value or 0.0)) * one.right.total for one in bins)
        return cls(tuple(bins), sum(gaps) / len(answers))
