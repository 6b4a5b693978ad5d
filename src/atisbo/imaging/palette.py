"""The colours of a picture as a vector: two pictures of the same colours are alike, whatever they show."""

from __future__ import annotations

from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.colours import HIGH, LOW, STEPS
from atisbo.imaging.transform import Pixels

Palette = NDArray[np.float32]
"""(294,), float32, of length 1."""

_SIDE: Final = 32
_LOW: Final = np.array(LOW, np.float32)
_HIGH: Final = np.array(HIGH, np.float32)
SIZE: Final = STEPS[0] * STEPS[1] * STEPS[2]
_STRIDES: Final = np.array((STEPS[1] * STEPS[2], STEPS[2], 1), np.intp)
_CORNERS: Final = np.array(list(product((0, 1), repeat=3)), np.intp) @ _STRIDES


def palette(pixels: Pixels) -> Palette:
    """Square roots of a histogram in CIELAB, each pixel shared among its eight nearest steps.

    The cosine of two of them is the Bhattacharyya coefficient of the histograms (1 the same colours, 0 none shared).

    Args:
        pixels: (height, width, 3), uint8, RGB.
    """
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    last = np.array(STEPS, np.float32) - 1
    place = (lab.clip(_LOW, _HIGH) - _LOW) / (_HIGH - _LOW) * last
    low = np.minimum(np.floor(place), last - 1)
    shares = np.stack((1 - (place - low), place - low), axis=-1)  # of the lower and of the upper step, on each axis
    weights = np.einsum("na,nb,nc->nabc", shares[:, 0], shares[:, 1], shares[:, 2])
    at = (low.astype(np.intp) @ _STRIDES)[:, None] + _CORNERS
    counts = np.bincount(at.ravel(), weights.ravel(), SIZE)
    return np.asarray(np.sqrt(counts / counts.sum()), np.float32)
