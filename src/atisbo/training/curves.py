"""Learning curves as JSON and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

Curves = dict[str, dict[str, list[float]]]
"""Side (train, validation) → figure (loss, accuracy, dice, …) → one value per epoch."""

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
