"""Figures in words, as a page shows them."""

from __future__ import annotations

from typing import Final

from atisbo.domain.cards import Interval
from atisbo.evaluation.page import number

_COARSE: Final = ("hd95", "hd95_percent")
"""Figures that are no shares: one digit is enough."""
_NAMES: Final = {
    "auc": "AUC",
    "ece": "ECE",
    "ece_positive": "ECE, positive class",
    "aurc": "AURC",
    "iou": "IoU",
    "mae": "MAE",
    "map": "mAP",
    "map_elsewhere": "mAP, other groups",
    "hd95": "HD95, pixels",
    "hd95_percent": "HD95, % of diagonal",
    "mdice_pranet": "mDice, PraNet protocol",
    "dice_object": "Dice, with an object",
    "empty_right": "Empty answers, without an object",
    "found": "Objects found",
    "f1_macro": "F1, macro",
    "precision_at_5": "Precision@5",
    "precision_at_5_elsewhere": "Precision@5, other groups",
    "recall_at_1_jpeg": "Recall@1, JPEG copy",
    "recall_at_1_half": "Recall@1, half size",
    "recall_at_1_crop": "Recall@1, cut copy",
    "sensitivity_at_95": "Sensitivity at 95 % specificity",
    "accuracy_sure": "Accuracy where sure",
    "unsure": "Not sure",
    "kept": "Own images kept",
    "refused": "Foreign images refused",
}
"""Figures whose name is not the one they have in the file."""
_OF: Final = {"dice": "Dice,", "hd95": "HD95,", "mae": "Error of", "bias": "Leaning of"}
"""How the figures of a structure or a measure begin; its name follows."""


def counted(images: int) -> str:
    """How many images, on one line."""
    return f"{number(images)}\u00a0image{'' if images == 1 else 's'}"


def spoken(name: str) -> str:
    """The name of a figure for people."""
    first, _, rest = name.replace("_", " ").partition(" ")
    if name not in _NAMES and first in _OF and rest:
        return f"{_OF[first]} {rest}"
    return _NAMES.get(name) or f"{first.capitalize()} {rest}".strip()


def span(name: str, one: Interval) -> str:
    """The interval of a figure."""
    return " – ".join(said(name, edge) for edge in one.edges) if one.edges else "no interval: one group"


def said(name: str, value: float) -> str:
    """The value of a figure, with as many digits as it deserves."""
    return number(value, 1 if name.startswith(_COARSE) else 3)
