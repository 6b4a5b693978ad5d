"""Dice of a probability map at many thresholds at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.folders import Mask

LEVELS: Final = 256


def dice_by_threshold(probabilities: NDArray[Any], truth: Mask) -> NDArray[np.float64]:
    """Dice of ``probabilities >= t`` for t = 1/256, 2/256, … 255/256; 1 where both masks are empty.

    Args:
        probabilities: (h, w), 0..1.
        truth: (h, w), bool.

    Returns:
        (255,), float64.
    """
    levels = np.minimum((np.asarray(probabilities) * LEVELS).astype(np.intp), LEVELS - 1)
    true, predicted, area = _reached(levels, truth)
    both = predicted + area
    return np.where(both > 0, 2 * true / np.maximum(both, 1), 1.0)[1:]


def mdice_pranet(probabilities: NDArray[Any], truth: Mask) -> float:
    """Threshold-averaged Dice of the PraNet protocol (Fan et al. 2020), the mDice of the published polyp tables.

    As their code does it: the probability map, at the image's size, is stretched to 0..1 by its own least and largest
    value (``MyTest.py``) and saved with 8 bits, which ``main.m`` reads back; Dice of ``map >= t`` is computed for the
    256 thresholds t = 0, 1/255, … 1, is 0 where prediction and truth have no pixel in common (``Fmeasure_calu.m``),
    and its mean is taken. Every threshold weighs the same, so hesitant outlines cost; and the stretching makes
    something be found in every picture, which is why this figure is never given for pictures without an object.

    Args:
        probabilities: (h, w), 0..1, enlarged bilinearly.
        truth: (h, w), bool.

    Returns:
        nan where the truth is empty.
    """
    if not truth.any():
        return float("nan")
    least, largest = float(probabilities.min()), float(probabilities.max())
    stretched = (np.asarray(probabilities, float) - least) / (largest - least + 1e-8)
    true, predicted, area = _reached(np.rint(stretched * (LEVELS - 1)).astype(np.intp), truth)
    return float((2 * true / (predicted + area)).mean())


def _reached(levels: NDArray[np.intp], truth: Mask) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """For every level: how many true pixels, and how many pixels, are at it or above it; and the object's pixels."""
    hit = np.bincount(levels[truth], minlength=LEVELS)[::-1].cumsum()[::-1]
    every = np.bincount(levels.ravel(), minlength=LEVELS)[::-1].cumsum()[::-1]
    return hit.astype(float), every.astype(float), float(np.count_nonzero(truth))
