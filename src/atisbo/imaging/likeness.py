"""What tells pictures that are the same to the eye: 64 bits to find them by, and their fine structure to make sure."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels

SIDE: Final = 32
DETAIL_BYTES: Final = SIDE * SIDE
HASH_BYTES: Final = 8
_BLUR: Final = 3.0
_SCALE: Final = 512.0


def shrunk(pixels: Pixels) -> NDArray[np.float32]:
    """(32, 32), float32, grey."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def perceptual_hash(small: NDArray[np.float32]) -> bytes:
    """64 bits: which of the 8 × 8 lowest frequencies lie over their median (Zauner, 2010).

    Args:
        small: (32, 32), float32, grey.
    """
    lowest = cv2.dct(small)[:8, :8]
    return np.packbits(np.greater(lowest.ravel(), np.median(lowest))).tobytes()


def detail(small: NDArray[np.float32]) -> bytes:
    """The picture without its coarse shape, which all pictures of one kind share: 32 × 32 int8.

    The cosine of two tells near duplicates from pictures that are merely composed alike.
    """
    fine = small - cv2.GaussianBlur(small, (0, 0), _BLUR)
    fine = (fine - fine.mean()) / max(float(np.linalg.norm(fine)), 1e-6)
    scaled = np.asarray(np.clip(np.rint(fine * _SCALE), -127, 127), np.int8)
    return scaled.tobytes()
