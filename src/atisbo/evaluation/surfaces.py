"""How far the outlines of two masks lie from each other."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.folders import Mask

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def hd95(predicted: Mask, truth: Mask) -> float:
    """95th percentile of the Hausdorff distance, pixels (Huttenlocher et al. 1993; 95 % as in MONAI).

    The larger of two percentiles: of the distances from each outline pixel of the one mask to the nearest of the
    other, and the other way round. An outline is the mask's pixels that have one of their four neighbours outside.

    Args:
        predicted: (h, w), bool.
        truth: (h, w), bool.

    Returns:
        nan where one of them is empty.
    """
    left, top, width, height = cv2.boundingRect((predicted | truth).view(np.uint8))
    window = np.s_[top : top + height, left : left + width]
    ours, theirs = (_outline(mask[window].view(np.uint8)) for mask in (predicted, truth))
    if not ours.any() or not theirs.any():
        return float("nan")
    return max(_percentile(ours, theirs), _percentile(theirs, ours))


def _outline(mask: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if not mask.size:
        return np.zeros((1, 1), np.bool_)
    inner = cv2.erode(mask, _CROSS, borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    return np.asarray((mask > 0) & (inner == 0))


def _percentile(start: NDArray[np.bool_], goal: NDArray[np.bool_]) -> float:
    away: NDArray[Any] = cv2.distanceTransform((~goal).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float(np.quantile(away[start], 0.95))
