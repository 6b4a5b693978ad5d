"""Figures of one image, from counts of pixels."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from atisbo.domain import overlap
from atisbo.domain.overlap import Counts
from atisbo.errors import Invalid
from atisbo.imaging.folders import Mask

MEANINGS = {
    "dice": "Mean over images of the Dice coefficient; 1 where prediction and truth are both empty.",
    "iou": "Mean over images of intersection over union; 1 where both are empty.",
    "accuracy": "Mean over images of the share of right pixels.",
    "precision": "Mean over images with a prediction of the share of predicted pixels that are true.",
    "recall": "Mean over images with an object of the share of its pixels that are predicted.",
    "specificity": "Mean over images of the share of background pixels that are left alone.",
    "dice_object": "Mean Dice over the images that show an object.",
    "found": "Share of the images with an object in which at least half of its pixels are predicted.",
    "empty_right": "Share of the images without an object that get an empty answer.",
}
"""The figures of an evaluation, by name."""


@dataclass(frozen=True)
class Row:
    """One image: its name, its counts, and what index.csv says of it."""

    file: str
    counts: Counts
    columns: dict[str, str] = field(default_factory=dict)

    def figures(self) -> dict[str, float]:
        """Every figure of :data:`MEANINGS` for this image; nan where it has none."""
        counts, nothing = self.counts, float("nan")
        shows = counts.tp + counts.fn > 0
        dice, recall = overlap.dice(counts), overlap.recall(counts)
        return {
            "dice": dice,
            "iou": overlap.iou(counts),
            "accuracy": overlap.accuracy(counts),
            "precision": overlap.precision(counts),
            "recall": recall,
            "specificity": overlap.specificity(counts),
            "dice_object": dice if shows else nothing,
            "found": float(recall >= 0.5) if shows else nothing,
            "empty_right": nothing if shows else float(counts.fp == 0),
        }


def count(predicted: Mask, truth: Mask) -> Counts:
    """Compare two masks of one size.

    Args:
        predicted: (h, w), bool.
        truth: (h, w), bool.

    Raises:
        Invalid: the sizes differ.
    """
    if predicted.shape != truth.shape:
        raise Invalid(
            "mask_shapes",
            "The predicted mask is {predicted}, the true one {truth} (height, width in pixels).",
            predicted=predicted.shape,
            truth=truth.shape,
        )
    tp = int(np.count_nonzero(predicted & truth))
    fp = int(np.count_nonzero(predicted)) - tp
    fn = int(np.count_nonzero(truth)) - tp
    return Counts(tp, fp, fn, truth.size - tp - fp - fn)
