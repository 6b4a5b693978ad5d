"""Places and lengths of simple charts, in percent of their box, for templates that draw them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from atisbo.domain.sensitivity import Swing


@dataclass(frozen=True)
class Bar:
    """A box within the chart; ``value`` and ``label`` are what it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: float
    label: str = ""
    below: bool = False
    """Whether it stands for something below 0."""


@dataclass(frozen=True)
class Columns:
    bars: list[Bar]
    zero: float
    """Where 0 lies, from the top."""
    path: str
    """Points of the running sum, ``x,y x,y …``."""


def columns(flows: Sequence[float]) -> Columns:
    """A column for each year, up or down from 0, and the running sum as a line."""
    sums = list(accumulate(flows))
    top, bottom = max(0.0, *flows, *sums), min(0.0, *flows, *sums)
    height = (top - bottom) or 1.0
    step = 100 / len(flows)

    def at(value: float) -> float:
        return 100 * (top - value) / height

    bars = [
        Bar(
            x=step * (year + 0.2),
            y=min(at(flow), at(0)),
            width=step * 0.6,
            height=abs(at(flow) - at(0)),
            value=flow,
            label=str(year),
            below=flow < 0,
        )
        for year, flow in enumerate(flows)
    ]
    path = " ".join(f"{step * (year + 0.5):.2f},{at(total):.2f}" for year, total in enumerate(sums))
    return Columns(bars, at(0), path)


@dataclass(frozen=True)
class Tornado:
    rows: list[tuple[Swing, Bar, Bar]]
    """An assumption with the bar of its lower and of its higher value."""
    middle: float


def swings(found: Sequence[Swing], middle: float) -> Tornado:
    """Bars from the case's own present value to that with an assumption lowered or raised."""
    ends = [value for swing in found for value in (swing.low, swing.high)] + [middle]
    least, most = min(ends), max(ends)
    width = (most - least) or 1.0

    def bar(value: float) -> Bar:
        left, right = sorted((value, middle))
        return Bar(100 * (left - least) / width, 0, 100 * (right - left) / width, 100, value, below=value < middle)

    return Tornado([(swing, bar(swing.low), bar(swing.high)) for swing in found], 100 * (middle - least) / width)


def histogram(classes: Sequence[tuple[float, float, int]]) -> list[Bar]:
    """A bar for each class of equal width, the fullest as high as the box."""
    most = max(number for _, _, number in classes)
    step = 100 / len(classes)
    return [
        Bar(step * place, 100 - 100 * number / most, step * 0.92, 100 * number / most, number, below=high <= 0)
        for place, (_, high, number) in enumerate(classes)
    ]
