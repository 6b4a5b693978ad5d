"""Whether the pictures of late are like those that a network learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt
from typing import Final

from atisbo.domain.watching import Share

STEPS: Final = 10
"""Of equal width, from black to white, that brightness and contrast are counted in."""
ENOUGH: Final = 50
"""Pictures below which nothing is said about their kind."""
FAR: Final = 0.05
"""Share of the reference pictures that count as far from all of them."""
_NOTABLE: Final = 0.1
_STRONG: Final = 0.25
"""The usual limits of the population stability index: below the first nothing, above the second a change."""
_Z99: Final = 2.3263478740408408


class Change(StrEnum):
    """In what way pictures differ from those before."""

    DARKER = "darker"
    LIGHTER = "lighter"
    FLATTER = "flatter"
    HARSHER = "harsher"
    OTHER = "other"
    UNLIKE = "unlike"
    """Many are unlike anything before."""
    MIXTURE = "mixture"
    """They are like those before, but in other proportions."""


@dataclass(frozen=True)
class Spread:
    """How pictures are spread over steps or groups: ``shares`` of so many ``images``."""

    shares: tuple[float, ...]
    images: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Over :data:`STEPS` equal steps from 0 to 255."""
        return cls.counted([min(int(value / 256 * STEPS), STEPS - 1) for value in values], STEPS)

    @classmethod
    def counted(cls, places: Sequence[int], count: int) -> Spread:
        """Of pictures that lie in these of ``count`` places."""
        found = Counter(places)
        return cls(tuple(found[place] / max(1, len(places)) for place in range(count)), len(places))


@dataclass(frozen=True)
class Drift:
    """``index`` is the population stability index of ``recent`` against ``before``; both are shares."""

    index: float
    limit: float
    """What chance alone reaches once in a hundred times with so few pictures; no change is said below it."""
    before: tuple[float, ...]
    recent: tuple[float, ...]
    change: Change | None
    """None while nothing notable changed."""
    strong: bool
    images: int
    """How many of late it rests on."""


def tones(before: Spread, recent: Sequence[float], *, less: Change, more: Change) -> Drift | None:
    """How the values (0 to 255) of recent pictures differ from those before; None while there are too few.

    ``less`` and ``more`` name the change when the mean went down or up.
    """
    if min(before.images, len(recent)) < ENOUGH:
        return None
    new = Spread.of(recent)
    shift = _centre(new) - _centre(before)
    return _drift(before, new, Change.OTHER if abs(shift) < 2.0 else less if shift < 0 else more)


def groups(before: Spread, recent: Sequence[int]) -> Drift | None:
    """How recent pictures lie among the groups of those before; None while there are too few.

    Args:
        recent: of each its group; the last number stands for "far from all".
    """
    if min(before.images, len(recent)) < ENOUGH:
        return None
    new = Spread.counted(recent, len(before.shares))
    far = Share.of(recent.count(len(before.shares) - 1), len(recent))
    unlike = far.low is not None and far.low > 2 * before.shares[-1]
    return _drift(before, new, Change.UNLIKE if unlike else Change.MIXTURE)


def group(distances: Sequence[float], reach: float) -> int:
    """The nearest of some centres; their number where none is within ``reach``."""
    nearest = min(range(len(distances)), key=distances.__getitem__)
    return nearest if distances[nearest] <= reach else len(distances)


def _drift(before: Spread, recent: Spread, change: Change) -> Drift:
    floor = 0.5 / max(before.images, recent.images)
    pairs = [(max(a, floor), max(b, floor)) for a, b in zip(before.shares, recent.shares, strict=True) if a or b]
    index = sum((b - a) * log(b / a) for a, b in pairs)
    limit = chance(len(pairs), before.images, recent.images)
    notable = index >= max(_NOTABLE, limit)
    strong = index >= max(_STRONG, limit)
    return Drift(index, limit, before.shares, recent.shares, change if notable else None, strong, recent.images)


def chance(places: int, before: int, recent: int) -> float:
    """The population stability index that two samples of the same pictures exceed once in a hundred times.

    (1/n + 1/m) · χ² with one degree of freedom less than places (Yurdakul & Naranjo, 2020), its quantile after Wilson
    and Hilferty (1931).
    """
    if places < 2:
        return 0.0
    freedom = places - 1
    quantile = freedom * (1 - 2 / (9 * freedom) + _Z99 * sqrt(2 / (9 * freedom))) ** 3
    return (1 / before + 1 / recent) * quantile


def _centre(spread: Spread) -> float:
    """The mean value, each step taken by its middle."""
    return sum(share * (step + 0.5) for step, share in enumerate(spread.shares)) * 256 / len(spread.shares)
