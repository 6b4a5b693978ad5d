"""Learning curves as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

from atisbo.domain.cards import Interval

Curves = dict[str, dict[str, list[float]]]
"""Side (train, validation) → figure (loss, accuracy, dice, …) → one value per epoch."""

LEARNING = "learning"

TITLES = {"iou": "IoU", "auc": "AUC"}


def write_curves(folder: Path, curves: Curves) -> None:
    """Write ``curves.json`` and ``curves.png`` into the folder."""
    (folder / "curves.json").write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    draw_curves(curves, folder / "curves.png")


def draw_curves(curves: Curves, path: Path, mark: int | None = None) -> None:
    """One panel per figure, every side over epochs; ``mark`` is an epoch with a line through it."""
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(name for figures in curves.values() for name in figures))
    figure = Figure(figsize=(3.4 * len(names), 3), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for side, figures in curves.items():
            values = figures.get(name, [])
            axes.plot(range(1, len(values) + 1), values, marker=".", label=side)
        axes.set(title=TITLES.get(name, name.replace("_", " ").capitalize()), xlabel="epoch")
        axes.grid(alpha=0.3)
        if mark is not None:
            axes.axvline(mark, color="grey", linewidth=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


@dataclass(frozen=True)
class Point:
    """How good a recipe is that learns from a share of the images."""

    share: float
    images: int
    figures: dict[str, Interval]


def write_learning(folder: Path, points: Sequence[Point]) -> None:
    """Write ``learning.json`` and ``learning.png``: every figure with its interval over the images learnt from."""
    from matplotlib.figure import Figure

    said = [
        {"share": p.share, "images": p.images, "figures": {name: f.model_dump() for name, f in p.figures.items()}}
        for p in points
    ]
    (folder / f"{LEARNING}.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    names = [name for name in points[0].figures if all(name in point.figures for point in points)]
    images = [point.images for point in points]
    figure = Figure(figsize=(3.4 * len(names), 3), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        found = [point.figures[name] for point in points]
        axes.fill_between(images, *zip(*(one.edges or (nan, nan) for one in found), strict=True), alpha=0.2)
        axes.plot(images, [one.value for one in found], marker="o")
        axes.set(title=TITLES.get(name, name.replace("_", " ").capitalize()), xlabel="images learnt from")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{LEARNING}.png", dpi=110)
