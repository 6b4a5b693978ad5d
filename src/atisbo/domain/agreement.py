"""How far two readers agree: Cohen's kappa for classes, Dice for outlines, each with an interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean, stdev
from typing import Final, NamedTuple

AGREED_DICE: Final = 0.8
"""Two outlines of which every layer agrees at least so far are the same; below it a third reader decides."""
_Z: Final = NormalDist().inv_cdf(0.975)


class Estimate(NamedTuple):
    """A figure with its 95 % interval; ``n`` is how many images it was computed on."""

    value: float
    low: float
    high: float
    n: int


def kappa(pairs: Sequence[tuple[str, str]]) -> Estimate | None:
    """Cohen's kappa of two readers' labels: 1 full agreement, 0 what chance alone would give.

    The interval is the large-sample one of Fleiss, Cohen and Everitt (1969). None without pairs, and where both
    readers gave one and the same label throughout, for then chance alone would agree as well.

    Args:
        pairs: of each image, what one reader said and what the other said.
    """
    n = len(pairs)
    joint = {pair: count / n for pair, count in Counter(pairs).items()}
    first, second = (_shares([pair[side] for pair in pairs]) for side in (0, 1))
    observed = sum(share for (one, other), share in joint.items() if one == other)
    chance = sum(share * second.get(label, 0.0) for label, share in first.items())
    if not n or chance == 1:
        return None
    value = (observed - chance) / (1 - chance)
    margin = _Z * sqrt(max(_variance(joint, first, second, observed, chance), 0.0) / n)
    return Estimate(value, max(value - margin, -1.0), min(value + margin, 1.0), n)


def _shares(labels: Sequence[str]) -> dict[str, float]:
    return {label: count / len(labels) for label, count in Counter(labels).items()}


def _variance(
    joint: dict[tuple[str, str], float],
    first: dict[str, float],
    second: dict[str, float],
    observed: float,
    chance: float,
) -> float:
    """Of one image's contribution: equation 13 of Fleiss, Cohen and Everitt (1969)."""

    def margins(one: str, other: str) -> float:
        return second.get(one, 0.0) + first.get(other, 0.0)

    rest = 1 - observed
    same = sum(
        share * ((1 - chance) - margins(one, other) * rest) ** 2
        for (one, other), share in joint.items()
        if one == other
    )
    apart = sum(share * margins(one, other) ** 2 for (one, other), share in joint.items() if one != other)
    total = same + rest**2 * apart - (observed * chance - 2 * chance + observed) ** 2
    return total / (1 - chance) ** 4


def mean(values: Sequence[float]) -> Estimate | None:
    """The mean of coefficients in 0..1 with its large-sample interval; None without values."""
    n = len(values)
    if not n:
        return None
    value = fmean(values)
    margin = _Z * stdev(values) / sqrt(n) if n > 1 else 1.0
    return Estimate(value, max(value - margin, 0.0), min(value + margin, 1.0), n)
