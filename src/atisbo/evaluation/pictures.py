"""Which pictures of an evaluation a person should see, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import cv2
import numpy as np

from atisbo.evaluation.report import Report
from atisbo.evaluation.rows import NOTHING, Row
from atisbo.imaging.draw import COLOURS
from atisbo.imaging.folders import Mask
from atisbo.imaging.transform import Pixels

MOST: Final = 8
"""Pictures of each kind."""
SIDE: Final = 320
"""Longer side of a picture, pixels."""
_TRUTH: Final = (0xFF, 0xFF, 0xFF)
_HAIRLINE: Final = (16, 20, 24)
_DASH, _GAP = 7, 5
_FAILED: Final = 0.5
"""Dice below which an outline is a mistake."""


@dataclass(frozen=True)
class Picks:
    """Pictures of one kind, the most telling first."""

    title: str
    why: str
    rows: tuple[Row, ...]


def picks(report: Report, most: int = MOST) -> tuple[Picks, ...]:
    """The pictures that matter most; kinds without one are left out."""
    kinds = _of_outlines(report.rows) if report.task == "segmentation" else _of_classes(report.rows)
    kinds += [
        Picks(
            "Refused, and proper",
            "Pictures of the application's kind that it refused.",
            _sorted((row for row in report.rows if row.values.get("kept") == 0), lambda row: row.uncertainty),
        ),
        Picks(
            "Let in, and foreign",
            "Pictures of another kind that it answered.",
            tuple(row for row in report.foreign if row.values["refused"] == 0),
        ),
    ]
    return tuple(Picks(one.title, one.why, one.rows[:most]) for one in kinds if one.rows)


def _of_outlines(rows: Iterable[Row]) -> list[Picks]:
    known = list(rows)
    mistakes = (row for row in known if row.values["dice"] < _FAILED)
    return [
        Picks("Worst", "Lowest Dice first.", _sorted(known, lambda row: row.values["dice"])),
        Picks(
            "Most confident mistakes",
            f"Dice below {_FAILED}, the least uncertain answer first.",
            _sorted(mistakes, lambda row: row.uncertainty),
        ),
        Picks("Most uncertain", "The most uncertain answer first.", _sorted(known, lambda row: -row.uncertainty)),
    ]


def _of_classes(rows: Iterable[Row]) -> list[Picks]:
    known = list(rows)
    mistakes = (row for row in known if row.choice and row.choice.answer != row.choice.truth)
    drawn = [row for row in known if any(name.startswith("dice_") for name in row.values)]
    return [
        Picks(
            "Most confident mistakes",
            "A wrong class, the least uncertain answer first.",
            _sorted(mistakes, lambda row: row.uncertainty),
        ),
        Picks("Most uncertain", "The most uncertain answer first.", _sorted(known, lambda row: -row.uncertainty)),
        Picks("Worst outlines", "The lowest Dice of any structure first.", _sorted(drawn, worst_structure)),
    ]


def worst_structure(row: Row) -> float:
    """The lowest Dice of the row's structures; nan where it has none."""
    return min((value for name, value in row.values.items() if name.startswith("dice_")), default=NOTHING)


def _sorted(rows: Iterable[Row], key: Callable[[Row], float]) -> tuple[Row, ...]:
    """Lowest first; rows without a value are left out."""
    return tuple(sorted((row for row in rows if key(row) == key(row)), key=key))


def drawn(pixels: Pixels, predicted: Mapping[str, Mask], truth: Mapping[str, Mask], side: int = SIDE) -> Pixels:
    """The picture, made smaller: what was predicted in an unbroken line of a colour, what is true in a broken white.

    Args:
        pixels: (height, width, 3), uint8, RGB.
        predicted: name → (height, width), bool.
        truth: name → (height, width), bool.

    Returns:
        uint8, RGB, its longer side at most ``side`` pixels.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    for mask, colour in zip(predicted.values(), cycle(COLOURS), strict=False):
        lines = _lines(mask, size)
        cv2.polylines(small, lines, True, _HAIRLINE, 4, cv2.LINE_AA)
        cv2.polylines(small, lines, True, colour, 2, cv2.LINE_AA)
    for mask in truth.values():
        dashes = [line[at : at + _DASH] for line in _lines(mask, size) for at in range(0, len(line), _DASH + _GAP)]
        cv2.polylines(small, dashes, False, _HAIRLINE, 4, cv2.LINE_AA)
        cv2.polylines(small, dashes, False, _TRUTH, 2, cv2.LINE_AA)
    return small


def _lines(mask: Mask, size: tuple[int, int]) -> list[cv2.typing.MatLike]:
    """Outlines of a mask at another size (width, height)."""
    small = cv2.resize(mask.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    found, _ = cv2.findContours(np.asarray(small >= 128, np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return list(found)
