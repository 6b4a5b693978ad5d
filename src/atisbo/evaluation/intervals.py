"""Bootstrap intervals, of means and of any other figure, by image or by group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Interval

DRAWS: Final = 1000
CONFIDENCE: Final = 0.95

Weights = NDArray[np.float64]
"""(1 + draws, rows): how often each row was drawn; the first line is the sample itself, every row once."""
Values = NDArray[np.float64]
"""(1 + draws,): a figure of the sample and of each draw; nan where a draw has none."""


@dataclass(frozen=True)
class Figure:
    """A number that can be computed for any weighting of the rows."""

    n: int
    """How many rows say something about it."""
    of: Callable[[Weights], Values]
    known: NDArray[np.bool_] | None = None
    """(rows,), bool: which they are; None where all do."""


@dataclass(frozen=True)
class Draws:
    """Rows drawn with replacement, again and again, a whole group at a time."""

    weights: Weights
    member: NDArray[np.intp]
    """(rows,): the number of each row's group."""

    def groups(self, *figures: Figure) -> int:
        """How many groups say something about each of these figures; about the one with the fewest."""
        return min(len(np.unique(self.member if one.known is None else self.member[one.known])) for one in figures)


def draw(rows: int, groups: Sequence[str] | None = None, *, draws: int = DRAWS, seed: int = 0) -> Draws:
    """Draw rows with replacement, again and again (Efron 1979).

    Args:
        groups: (rows,); rows of one group (patient, sequence, centre) are drawn together, because they are alike;
            without it every row is its own group.
    """
    member = np.arange(rows) if groups is None else np.unique(np.asarray(groups, str), return_inverse=True)[1]
    count = int(member.max()) + 1 if rows else 0
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / max(count, 1)), draws)
    return Draws(np.concatenate([np.ones((1, rows)), times[:, member].astype(float)]), member)


def mean(values: Sequence[float] | NDArray[Any]) -> Figure:
    """The mean of values; nan are left out."""
    numbers = np.asarray(values, float)
    known = ~np.isnan(numbers)
    filled = np.where(known, numbers, 0.0)
    return Figure(int(known.sum()), lambda weights: ratio(weights @ filled, weights @ known.astype(float)), known)


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """Element by element; nan where the divisor is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(below > 0, above / below, np.nan)


def interval(figure: Figure, drawn: Draws, confidence: float = CONFIDENCE) -> Interval | None:
    """The figure with its percentile interval; ``None`` where it has no value."""
    values = figure.of(drawn.weights)
    value = float(values[0])
    if figure.n == 0 or np.isnan(value) or np.isnan(values[1:]).all():
        return None
    low, high = edges(values, drawn.groups(figure), confidence) or (None, None)
    if low is not None and high is not None:
        low, high = min(low, value), max(high, value)
    return Interval(value=value, low=low, high=high, confidence=confidence, n=figure.n)


def edges(values: Values, groups: int, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Between which the middle of the draws lies; ``None`` where they are of one group, and so all the same.

    Args:
        values: a draw has one at least.
        groups: how many were drawn from.
    """
    if groups < 2:
        return None
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(values[1:], [tail, 1 - tail])
    return float(low), float(high)


def bootstrap(
    values: Sequence[float],
    groups: Sequence[str] | None = None,
    *,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval | None:
    """Mean of values with its percentile interval; nan are left out, and ``None`` is returned where none is left.

    Of one group there is a mean and no interval.
    """
    numbers = np.asarray(values, float)
    known = ~np.isnan(numbers)
    if not known.any():
        return None
    labels = None if groups is None else np.asarray(groups, str)[known].tolist()
    return interval(mean(numbers[known]), draw(int(known.sum()), labels, draws=draws, seed=seed), confidence)
