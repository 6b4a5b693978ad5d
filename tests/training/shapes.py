"""Classes in a moment: bright discs with a small or a large cup, from two museums."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from atisbo.training.recipe import Recipe


def shapes(folder: Path, count: int = 24, side: int = 40, *, seed: int = 0) -> Path:
    """Write ``count`` labelled pictures, every third of class large, with masks of disc and cup."""
    random = np.random.default_rng(seed)
    for name in ("images", "disc", "cup"):
        (folder / name).mkdir(parents=True)
    rows = []
    for number in range(1, count + 1):
        large = number % 3 == 0
        centre = tuple(int(value) for value in random.integers(17, 23, 2))
        disc, cup = np.zeros((side, side), np.uint8), np.zeros((side, side), np.uint8)
        cv2.circle(disc, centre, 13, 255, -1)
        cv2.circle(cup, centre, 9 if large else 4, 255, -1)
        colour = (disc > 0)[..., np.newaxis] * [40, 60, 60] + (cup > 0)[..., np.newaxis] * [100, 60, 40]
        picture = random.normal(40, 8, (side, side, 3)) + colour
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "disc" / f"{number}.png"), disc)
        cv2.imwrite(str(folder / "cup" / f"{number}.png"), cup)
        rows.append(
            {
                "file": f"{number}.png",
                "label": "large" if large else "small",
                "source": "AABBCC"[number * 6 // count - 1],
            }
        )
    with (folder / "index.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, ["file", "label", "source"])
        table.writeheader()
        table.writerows(rows)
    return folder


def tiny_classes(**changes: Any) -> Recipe:
    """A recipe that learns the classes and the outlines in seconds; ``changes`` are sections, merged."""
    recipe: dict[str, Any] = {
        "name": "tiny classes",
        "seed": 3,
        "input": {"size": [32, 32], "mean": [0.3, 0.3, 0.3], "std": [0.2, 0.2, 0.2]},
        "output": {"labels": ["small", "large"], "positive": "large", "activation": "softmax"},
        "network": {"kind": "artcnn", "embedding": 16, "dropout": 0.1},
        "structures": {
            "labels": ["disc", "cup"],
            "channels": [16, 16, 8],
            "seen": "features",
            "ratios": [{"name": "cup to disc", "numerator": "cup", "denominator": "disc", "extent": "height"}],
        },
        "data": {"validation": 0.25},
        "augment": {"rotate_degrees": 20, "mixup": 0.1},
        "train": {"epochs": 3, "batch_size": 4, "learning_rate": 0.003, "average": 0.5, "class_weights": "balanced"},
    }
    for section, values in changes.items():
        recipe[section] = {**recipe.get(section, {}), **values} if isinstance(values, dict) else values
    return Recipe.model_validate(recipe)
