"""Pictures whose answers by the test network "eye" can be worked out by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

SIDE = 48


def eyes(folder: Path, count: int = 12) -> Path:
    """Write a folder: red discs with green cups in them; every third cup is large, which is glaucoma.

    The last picture is called glaucoma though its cup is small. Sources a and b take turns.
    """
    for name in ("images", "disc", "cup"):
        (folder / name).mkdir(parents=True)
    rows = []
    for number in range(count):
        large = number % 3 == 0
        shift = number % 4
        disc, cup = np.zeros((2, SIDE, SIDE), np.uint8)
        disc[2 + shift : 42 + shift, 4:44] = 255
        height = 36 if large else 8 + number % 3
        cup[4 + shift : 4 + shift + height, 6 : 6 + height] = 255
        pixels = np.stack([np.zeros_like(disc), cup, disc], axis=2)  # blue, green, red
        for name, picture in (("images", pixels), ("disc", disc), ("cup", cup)):
            cv2.imwrite(str(folder / name / f"{number:02}.png"), picture)
        label = "glaucoma" if large or number == count - 1 else "normal"
        rows.append({"file": f"{number:02}.png", "label": label, "source": "ab"[number % 2]})
    with (folder / "index.csv").open("w", newline="") as lines:
        table = csv.DictWriter(lines, ["file", "label", "source"])
        table.writeheader()
        table.writerows(rows)
    return folder


def strangers(folder: Path) -> Path:
    """Write three foreign pictures: a blue and a black one, which "eye" refuses, and a red one, which it lets in."""
    folder.mkdir(parents=True)
    for name, colour in (("blue", (255, 0, 0)), ("black", (0, 0, 0)), ("red", (0, 0, 255))):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((SIDE, SIDE, 3), colour, np.uint8))
    return folder
