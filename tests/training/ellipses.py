"""A data set in a moment: bright ellipses on dark noise, some frames empty, from two hospitals."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from atisbo.training.recipe import Recipe


def ellipses(folder: Path, count: int = 24, size: tuple[int, int] = (48, 64), *, seed: int = 0) -> Path:
    """Write ``count`` labelled frames; every sixth is empty, the last quarter is of hospital B."""
    random = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = []
    for number in range(1, count + 1):
        mask = np.zeros(size, np.uint8)
        if number % 6:
            centre = (int(random.integers(16, size[1] - 16)), int(random.integers(14, size[0] - 14)))
            axes = (int(random.integers(7, 14)), int(random.integers(6, 12)))
            cv2.ellipse(mask, centre, axes, float(random.uniform(0, 180)), 0, 360, 255, -1)
        frame = random.normal(60, 12, (*size, 3)) + (mask > 0)[..., np.newaxis] * np.array([110, 40, 20])
        cv2.imwrite(str(folder / "images" / f"{number}.png"), frame.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
        rows.append({"file": f"{number}.png", "centre": "B" if number > 0.75 * count else "A"})
    with (folder / "index.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, ["file", "centre"])
        table.writeheader()
        table.writerows(rows)
    return folder


def tiny(**changes: Any) -> Recipe:
    """A recipe that trains in seconds; ``changes`` are sections, merged."""
    recipe: dict[str, Any] = {
        "name": "tiny",
        "seed": 3,
        "input": {"size": [32, 32], "mean": [0.3, 0.3, 0.3], "std": [0.2, 0.2, 0.2]},
        "output": {"labels": ["ellipse"], "activation": "sigmoid"},
        "network": {"kind": "unet", "channels": [8, 16]},
        "data": {"validation": 0.25},
        "augment": {"rotate_degrees": 20, "zoom": [0.8, 1.2], "brightness": 0.1, "noise": 0.2},
        "train": {"epochs": 3, "batch_size": 4, "learning_rate": 0.01, "average": 0.8, "border_weight": 2.0},
    }
    for section, values in changes.items():
        recipe[section] = {**recipe[section], **values} if isinstance(values, dict) else values
    return Recipe.model_validate(recipe)
