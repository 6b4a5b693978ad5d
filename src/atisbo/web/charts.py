"""Where the bars, lines and points of small charts lie; templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Final

WIDTH: Final = 640.0
HEIGHT: Final = 150.0
"""Of the plotted area, in units of the SVG."""


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Line:
    """``paths`` of the stretches without gaps; ``dots`` where a single value stands alone."""

    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]


def nice(value: float) -> float:
    """The next round number from ``value`` on: 1, 2 or 5 with zeros."""
    if value <= 0:
        return 1.0
    step = 10.0 ** floor(log10(value))
    return next(factor * step for factor in (1, 2, 5, 10) if factor * step >= value * (1 - 1e-9))


def bars(values: Sequence[float], top: float) -> list[Bar]:
    """One for each value, side by side, as high as its share of ``top``."""
    step = WIDTH / max(1, len(values))
    gap = min(2.0, step * 0.2)
    heights = [HEIGHT * min(1.0, value / top) for value in values]
    return [Bar(n * step + gap / 2, step - gap, HEIGHT - high, high) for n, high in enumerate(heights)]


def line(values: Sequence[float | None], top: float) -> Line:
    """Through the middles of the same steps as ``bars``; a gap where there is no value."""
    step = WIDTH / max(1, len(values))
    paths: list[str] = []
    dots: list[tuple[float, float]] = []
    stretch: list[tuple[float, float]] = []
    for number, value in enumerate([*values, None]):
        if value is not None:
            stretch.append(((number + 0.5) * step, HEIGHT * (1 - min(1.0, value / top))))
            continue
        if len(stretch) == 1:
            dots.append(stretch[0])
        elif stretch:
            paths.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in stretch))
        stretch = []
    return Line(tuple(paths), tuple(dots))


def whiskers(pairs: Sequence[tuple[float | None, float | None]]) -> list[tuple[float, float, float]]:
    """Upright strokes between two shares: x, upper y, lower y; none where there is no interval."""
    step = WIDTH / max(1, len(pairs))
    return [
        ((number + 0.5) * step, HEIGHT * (1 - high), HEIGHT * (1 - low))
        for number, (low, high) in enumerate(pairs)
        if low is not None and high is not None
    ]


def ticks(count: int, most: int = 5) -> list[int]:
    """Which of ``count`` steps to label, evenly, at most about ``most``."""
    if count <= most:
        return list(range(count))
    return list(range(0, count, ceil(count / most)))
