"""Charts as inline SVG: geometry here, drawing in ``templates/charts.html``, colours from the page's tokens.

Each chart says in words what it shows (title and description) and carries its figures as a table, so that nothing is
told by colour or shape alone. They are drawn 360 units wide, to be read as they are on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from markupsafe import Markup

from atisbo.evaluation.page import ENVIRONMENT, number

WIDTH: Final = 360
HEIGHT: Final = 232
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 14, 12, 40
_ROWS: Final = 21
"""Rows of a line's table at most."""

Point = tuple[float, float]
Band = tuple[float, float, float]
"""x, low and high."""


@dataclass(frozen=True)
class Tick:
    at: float
    """Place in the drawing."""
    label: str


@dataclass(frozen=True)
class Axis:
    """From values to places in the drawing."""

    low: float
    high: float
    start: float
    end: float
    whole: bool = False
    """Marked at whole numbers only."""

    def at(self, value: float) -> float:
        """The place of a value, kept within the axis."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        return [
            Tick(self.at(value), short(value))
            for value in nice(self.low, self.high)
            if not self.whole or value % 1 == 0
        ]


def lines(
    series: Mapping[str, Sequence[Point]],
    *,
    title: str,
    x: str,
    y: str,
    note: str = "",
    diagonal: bool = False,
    points: bool = False,
    bands: Mapping[str, Sequence[Band]] | None = None,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> Markup:
    """Curves over one pair of axes: ROC, risk over coverage, reliability, training curves.

    Args:
        series: name → points in order; points that are not finite are left out.
        title: what the chart shows; also its accessible name.
        x, y: what the axes mean, with unit.
        note: a sentence under the title.
        diagonal: draw y = x, as chance or perfect calibration.
        points: mark each point.
        bands: an interval around the curve of that name.
        x_range, y_range: ends of the axes; of the data where not given.
    """
    kept = {name: [p for p in path if math.isfinite(p[0]) and math.isfinite(p[1])] for name, path in series.items()}
    edges = {name: list(band) for name, band in (bands or {}).items()}
    xs = [p[0] for path in kept.values() for p in path]
    ys = [p[1] for path in kept.values() for p in path] + [v for band in edges.values() for b in band for v in b[1:]]
    across, up = _axes(x_range or _span(xs), y_range or _span(ys))
    drawn = [
        {
            "name": name,
            "colour": "",
            "path": _path(path, across, up),
            "points": [(across.at(a), up.at(b)) for a, b in path] if points else [],
            "band": _band(edges.get(name, ()), across, up),
        }
        for name, path in kept.items()
    ]
    rows = [(name, short(a), short(b)) for name, path in kept.items() for a, b in thinned(path, _ROWS)]
    chance = _path([(m, m) for m in _shared(across, up)], across, up) if diagonal else ""
    return _drawn(
        "lines",
        title=title,
        note=note,
        x=across,
        y=up,
        x_label=x,
        y_label=y,
        series=drawn,
        diagonal=chance,
        head=("curve", x, y),
        rows=rows,
    )


def bars(
    values: Mapping[str, float],
    *,
    title: str,
    note: str = "",
    unit: str = "",
    digits: int = 0,
    most: float | None = None,
    intervals: Mapping[str, tuple[float, float]] | None = None,
    tones: Mapping[str, str] | None = None,
) -> Markup:
    """One horizontal bar per name, with its value in figures.

    Args:
        values: name → value, not negative, in the order to be drawn.
        most: value of a full bar; the largest one where not given.
        intervals: name → low and high, drawn as a whisker.
        tones: name → ``accent`` (default), ``warn`` or ``bad``.
    """
    limits = intervals or {}
    full = most or max([*values.values(), *(high for _, high in limits.values())], default=0) or 1.0

    def share(value: float) -> float:
        return round(100 * min(max(value / full, 0.0), 1.0), 2)

    rows = [
        {
            "name": name,
            "share": share(value),
            "value": f"{number(value, digits)}{unit}",
            "whisker": tuple(map(share, limits[name])) if name in limits else None,
            "interval": " – ".join(number(v, digits) for v in limits[name]) if name in limits else "",
            "tone": (tones or {}).get(name, "accent"),
        }
        for name, value in values.items()
    ]
    return _drawn("bars", title=title, note=note, bars=rows)


def histogram(
    edges: Sequence[float],
    counts: Mapping[str, Sequence[float]],
    *,
    title: str,
    x: str,
    y: str = "images",
    note: str = "",
    colours: Mapping[str, str] | None = None,
    most: float | None = None,
) -> Markup:
    """Steps over the same bins, one outline per name.

    Args:
        edges: n + 1 ascending bounds of the bins.
        counts: name → n counts or shares.
        colours: name → ``red``, ``green``, ``blue`` or a CSS colour; the page's palette where not given.
        most: the top of the scale; the largest count where not given.
    """
    top = most or max((max(values, default=0) for values in counts.values()), default=0) or 1.0
    whole = all(float(value).is_integer() for values in counts.values() for value in values)
    across, up = _axes((edges[0], edges[-1]), (0.0, top), whole)
    drawn = [
        {"name": name, "path": _steps(edges, values, across, up), "colour": _CHANNELS.get(wanted, wanted)}
        for name, values in counts.items()
        for wanted in [(colours or {}).get(name, "")]
    ]
    rows = [
        (f"{short(low)} – {short(high)}", *(short(values[place]) for values in counts.values()))
        for place, (low, high) in enumerate(pairwise(edges))
    ]
    return _drawn(
        "histogram",
        title=title,
        note=note,
        x=across,
        y=up,
        x_label=x,
        y_label=y,
        series=drawn,
        head=(x, *counts),
        rows=rows,
    )


def matrix(
    labels: Sequence[str],
    counts: Sequence[Sequence[float]],
    *,
    title: str,
    note: str = "",
    rows: str = "truth",
    columns: str = "answer",
    digits: int = 0,
) -> Markup:
    """A table: ``counts[i][j]`` images of row ``labels[i]`` in column ``labels[j]``, shaded by share of the row."""
    table = [
        {
            "name": name,
            "total": sum(line),
            "cells": [(number(v, digits), v / (sum(line) or 1), i == j) for j, v in enumerate(line)],
        }
        for i, (name, line) in enumerate(zip(labels, counts, strict=True))
    ]
    return _drawn("matrix", title=title, note=note, labels=list(labels), table=table, rows=rows, columns=columns)


def short(value: float) -> str:
    """At most four significant digits, thousands with commas: ``0.25``, ``12,400``."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def nice(low: float, high: float, wanted: int = 6) -> list[float]:
    """Round values between the ends, about as many as wanted (Heckbert, Graphics Gems 1990)."""
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]


def thinned(path: Sequence[Point], most: int) -> list[Point]:
    """At most ``most`` of the points, evenly spread, with both ends."""
    if len(path) <= most:
        return list(path)
    return [path[round(n * (len(path) - 1) / (most - 1))] for n in range(most)]


_CHANNELS: Final = {"red": "var(--channel-red)", "green": "var(--channel-green)", "blue": "var(--channel-blue)"}


def _axes(x: tuple[float, float], y: tuple[float, float], whole: bool = False) -> tuple[Axis, Axis]:
    return Axis(*x, _LEFT, WIDTH - _RIGHT), Axis(*y, HEIGHT - _BOTTOM, _TOP, whole)


def _span(values: Iterable[float]) -> tuple[float, float]:
    """Ends of an axis around the values, never equal."""
    found = list(values) or [0.0, 1.0]
    low, high = min(found), max(found)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _shared(x: Axis, y: Axis) -> tuple[float, float]:
    return max(x.low, y.low), min(x.high, y.high)


def _path(points: Iterable[Point], x: Axis, y: Axis) -> str:
    return "M" + "L".join(f"{x.at(a)} {y.at(b)}" for a, b in points) if points else ""


def _band(band: Sequence[Band], x: Axis, y: Axis) -> str:
    there = [(a, high) for a, _, high in band]
    back = [(a, low) for a, low, _ in reversed(band)]
    return _path([*there, *back], x, y) + "Z" if band else ""


def _steps(edges: Sequence[float], values: Sequence[float], x: Axis, y: Axis) -> str:
    corners = [(edges[0], 0.0)]
    for low, high, value in zip(edges, edges[1:], values, strict=False):
        corners += [(low, float(value)), (high, float(value))]
    return _path([*corners, (edges[-1], 0.0)], x, y)


def _drawn(kind: str, **parts: Any) -> Markup:
    parts.update(width=WIDTH, height=HEIGHT, left=_LEFT, right=WIDTH - _RIGHT, top=_TOP, bottom=HEIGHT - _BOTTOM)
    return Markup(ENVIRONMENT.get_template("charts.html").render(kind=kind, **parts))  # noqa: S704 - an escaped template
