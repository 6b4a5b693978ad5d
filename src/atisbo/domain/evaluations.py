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

FEWEST_GROUPS: Final = 10
"""Independent groups (patients, owners) without which no difference counts as shown.

A bootstrap over few groups is too narrow, and over one it draws the sample itself every time. Of 100 versions that were
no better, so many were called better, and as many worse (1,000 trials, 40 images, normal differences between groups and
within them): 50 with 1 group, 26 with 2, 13 with 3, 8 with 5, 7 with 8, 5 with 10, 4 with 20, 3 with 40; the interval
promises 2.5. From ten on it is no more than about twice that.
"""


def verdict(task: str, figures: Mapping[str, Mapping[str, Any]]) -> Verdict:
    """Better if one of the deciding figures is, and none is worse; worse as soon as one is.

    Args:
        figures: name → a difference with its own ``verdict``, from a paired bootstrap.
    """
    said = [figures[name]["verdict"] for name in PRIMARY[task] if name in figures]
    if "worse" in said:
        return "worse"
    return "better" if "better" in said else "cannot be told apart"
