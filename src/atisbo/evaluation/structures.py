"""Figures of what a classification outlines besides its answer, for example disc and cup of an optic nerve."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from atisbo.domain import overlap
from atisbo.domain.cards import Ratio, Structures
from atisbo.evaluation.metrics import count
from atisbo.evaluation.rows import NOTHING
from atisbo.evaluation.surfaces import hd95
from atisbo.imaging import masks
from atisbo.imaging.folders import Mask
from atisbo.imaging.masks import MaskPixels


def structured(predicted: Mapping[str, Mask], truth: Mapping[str, Mask], ratios: tuple[Ratio, ...]) -> dict[str, float]:
    """The figures of :func:`meanings` for one image; nan where it has none.

    The ratios of both sides are taken as the service takes them (:func:`atisbo.imaging.masks.ratios`).

    Args:
        predicted: structure → (h, w), bool.
        truth: structure → (h, w), bool; those that are not known are left out.
    """
    figures = {}
    for name, mask in truth.items():
        figures[f"dice_{slug(name)}"] = overlap.dice(count(predicted[name], mask))
        figures[f"hd95_{slug(name)}"] = hd95(predicted[name], mask)
    known = tuple(one for one in ratios if {one.numerator, one.denominator} <= truth.keys())
    said, true = (masks.ratios(_layers(side), known) for side in (predicted, truth))
    for one in known:
        away = said.get(one.name, NOTHING) - true.get(one.name, NOTHING)
        figures |= {f"mae_{slug(one.name)}": abs(away), f"bias_{slug(one.name)}": away}
    return figures


def _layers(side: Mapping[str, Mask]) -> dict[str, MaskPixels]:
    return {name: mask.view(np.uint8) * np.uint8(255) for name, mask in side.items()}


def meanings(structures: Structures | None) -> dict[str, str]:
    """What the figures of a card's structures mean, by name."""
    said: dict[str, str] = {}
    for name in structures.output.labels if structures else ():
        said[f"dice_{slug(name)}"] = f"Mean over images of the Dice coefficient of the {name}."
        said[f"hd95_{slug(name)}"] = f"Mean over images of the {name}'s HD95, pixels of the image."
    for ratio in structures.ratios if structures else ():
        said[f"mae_{slug(ratio.name)}"] = f"Mean over images of the absolute error of the {ratio.name}."
        said[f"bias_{slug(ratio.name)}"] = f"Mean over images of the error of the {ratio.name}; above 0: too large."
    return said


def slug(name: str) -> str:
    """Small letters, digits and underlines."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
