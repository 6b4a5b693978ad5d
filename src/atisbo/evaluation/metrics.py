"""Figures of one outlined image."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from atisbo.domain import overlap
from atisbo.domain.overlap import Counts
from atisbo.errors import Invalid
from atisbo.evaluation.surfaces import hd95
from atisbo.evaluation.thresholds import mdice_pranet
from atisbo.imaging.folders import Mask

MEANINGS: Final = {
    "dice": "Mean over images of the Dice coefficient at the card's threshold; 1 where prediction and truth are empty.",
    "dice_object": "Mean of Dice at the card's threshold over the images that show an object.",
    "mdice_pranet": "Mean over images with an object of Dice averaged over 256 thresholds of the stretched "
    "probability map: the mDice of the PraNet protocol. Not comparable with Dice.",
    "iou": "Mean over images of intersection over union; 1 where both are empty.",
    "accuracy": "Mean over images of the share of right pixels.",
    "precision": "Mean over images with an object and a prediction of the share of predicted pixels that are true.",
    "recall": "Mean over images with an object of the share of its pixels that are predicted.",
    "specificity": "Mean over images of the share of background pixels that are left alone.",
    "hd95": "Mean over images with an object and a prediction of the 95th percentile of the distance between the two "
    "outlines, pixels of the image.",
    "hd95_percent": "HD95 in percent of the image's diagonal, mean over images with an object and a prediction.",
    "mae": "Mean over images of the mean absolute difference between probability map and truth.",
    "found": "Share of the images with an object in which at least half of its pixels are predicted.",
    "empty_right": "Share of the images without an object that get an empty answer.",
}
"""What is said of a segmentation, by name."""

SIZES: Final = ("none", "under 1 %", "1 to 5 %", "5 to 15 %", "over 15 %")
"""How much of the image the object takes."""
_LIMITS: Final = (0.0, 1.0, 5.0, 15.0)


def outlined(predicted: Mask, truth: Mask, probabilities: NDArray[Any] | None = None) -> dict[str, float]:
    """Every figure of :data:`MEANINGS` for one image; nan where it has none.

    Args:
        predicted: (h, w), bool.
        truth: (h, w), bool.
        probabilities: (h, w), 0..1, the map behind the prediction, enlarged to the image.

    Raises:
        Invalid: the sizes differ.
    """
    figures = of_counts(count(predicted, truth))
    away = hd95(predicted, truth)
    figures |= {"hd95": away, "hd95_percent": 100 * away / float(np.hypot(*truth.shape))}
    if probabilities is not None:
        figures["mdice_pranet"] = mdice_pranet(probabilities, truth)
        figures["mae"] = float(np.abs(probabilities - truth).mean())
    return figures


def of_counts(counts: Counts) -> dict[str, float]:
    """The figures that pixels' counts can say; nan where they cannot."""
    nothing = float("nan")
    shows = counts.tp + counts.fn > 0
    dice, recall = overlap.dice(counts), overlap.recall(counts)
    return {
        "dice": dice,
        "dice_object": dice if shows else nothing,
        "iou": overlap.iou(counts),
        "accuracy": overlap.accuracy(counts),
        "precision": overlap.precision(counts) if shows else nothing,
        "recall": recall,
        "specificity": overlap.specificity(counts),
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


def object_size(truth: Mask) -> str:
    """Which of :data:`SIZES` the object has, by percent of the image's area: up to 0, 1, 5, 15, or more."""
    return SIZES[int(np.searchsorted(_LIMITS, 100 * np.count_nonzero(truth) / truth.size, side="left"))]
