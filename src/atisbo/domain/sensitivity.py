"""How much a business case hangs on what was assumed: one at a time, two at a time, all at once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean
from typing import Final

from atisbo.domain.finance import Case, npv

UNCERTAIN: Final = ("price", "clients", "costs", "development", "first_infrastructure", "growth", "churn", "discount")
SPREAD: Final = 0.2
"""Each assumption is varied by so much of itself, down and up."""
FEWEST: Final = 100
MOST: Final = 20_000
SEED: Final = 42


@dataclass(frozen=True)
class Swing:
    """Net present value with one assumption lowered and raised."""

    name: str
    low_input: float
    high_input: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return abs(self.high - self.low)


@dataclass(frozen=True)
class Distribution:
    """Net present values of many draws, sorted."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.values)

    @property
    def loss(self) -> float:
        """Share of draws below 0."""
        return sum(value < 0 for value in self.values) / len(self.values)

    def quantile(self, share: float) -> float:
        return self.values[round(share * (len(self.values) - 1))]

    def bars(self, count: int = 24) -> list[tuple[float, float, int]]:
        """Equal classes between the smallest and the largest: from, to, how many draws."""
        low, high = self.values[0], self.values[-1]
        width = (high - low) / count
        if width == 0:
            return [(low, high, len(self.values))]
        found = [0] * count
        for value in self.values:
            found[min(int((value - low) / width), count - 1)] += 1
        return [(low + step * width, low + (step + 1) * width, number) for step, number in enumerate(found)]


@cache
def limits(name: str) -> tuple[float, float]:
    """The least and the greatest value that a case takes."""
    bounds = {type(rule).__name__: rule for rule in Case.model_fields[name].metadata}
    low = getattr(bounds.get("Ge"), "ge", getattr(bounds.get("Gt"), "gt", 0.0))
    high = getattr(bounds.get("Le"), "le", getattr(bounds.get("Lt"), "lt", float("inf")))
    return float(low), float(high)


def changed(case: Case, **values: float) -> Case:
    """The case with other values, each kept within its limits."""
    kept = {name: min(max(value, limits(name)[0]), limits(name)[1]) for name, value in values.items()}
    return case.model_copy(update=kept)


def tornado(case: Case, spread: float = SPREAD, names: Iterable[str] = UNCERTAIN) -> list[Swing]:
    """Every assumption that matters, the one that matters most first; those that are 0 cannot be varied."""
    swings = []
    for name in names:
        value = getattr(case, name)
        ends = [changed(case, **{name: value * factor}) for factor in (1 - spread, 1 + spread)]
        swings.append(Swing(name, getattr(ends[0], name), getattr(ends[1], name), npv(ends[0]), npv(ends[1])))
    return sorted((swing for swing in swings if swing.width > 1e-9), key=lambda swing: -swing.width)


def two_way(case: Case, rows: tuple[str, Sequence[float]], columns: tuple[str, Sequence[float]]) -> list[list[float]]:
    """Net present value for every pair of two assumptions' values."""
    (down, heights), (across, widths) = rows, columns
    return [[npv(changed(case, **{down: one, across: other})) for other in widths] for one in heights]


def around(value: float, steps: Sequence[float] = (0.6, 0.8, 1.0, 1.2, 1.4)) -> list[float]:
    return [value * step for step in steps]


def simulate(
    case: Case, draws: int = 4000, spread: float = SPREAD, spreads: Mapping[str, float] | None = None, seed: int = SEED
) -> Distribution:
    """Draw every uncertain assumption at once, each for itself, from a triangle around what was assumed.

    Args:
        draws: how many, from 100 to 20,000.
        spreads: half-width of an assumption's triangle as a share of its value, where it is not ``spread``.
        seed: the same seed gives the same draws.
    """
    source, spreads = random.Random(seed), spreads or {}  # noqa: S311 -- no secret hangs on it
    values = []
    for _ in range(min(max(draws, FEWEST), MOST)):
        drawn = {}
        for name in UNCERTAIN:
            value, width = getattr(case, name), spreads.get(name, spread)
            drawn[name] = source.triangular(value * (1 - width), value * (1 + width), value)
        values.append(npv(changed(case, **drawn)))
    return Distribution(tuple(sorted(values)))
