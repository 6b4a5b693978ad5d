"""What a judgement of a candidate against the active version comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Verdict = Literal["better", "worse", "cannot be told apart"]

PRIMARY: Final = {
    "segmentation": ("dice", "dice_object", "empty_right"),
    "classification": ("accuracy", "balanced_accuracy", "auc"),
}
"""The figures that decide, by task; the first is the one that pictures are chosen by."""


def verdict(task: str, figures: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Better if one of the deciding figures is, and none is worse; worse as soon as one is.

    Args:
        figures: name → a difference with its own ``verdict``, from a paired bootstrap.
    """
    said = [figures[name]["verdict"] for name in PRIMARY[task] if name in figures]
    if "worse" in said:
        return "worse"
    return "better" if "better" in said else "cannot be told apart"
