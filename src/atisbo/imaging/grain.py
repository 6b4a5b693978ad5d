"""The fine structure of a picture as a vector: it stays when it is scaled or saved anew, and tells others apart."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels

Grain = NDArray[np.float32]
"""(576,), float32, of length 1; zeros for a picture without any structure."""

SIDE: Final = 24
_BLUR: Final = 1.5
_NOTHING: Final = 1e-3
"""Grey levels: less comes from rounding."""


def grain(pixels: Pixels) -> Grain:
    """Grey levels less their coarse shape, which all pictures of one kind share.

    Measured on 780 pictures of art, eyes and bowels: different ones have a cosine below 0.95 (whole retinas; the others
    below 0.67), the same at 0.7 of its size and JPEG quality 60 has one above 0.94, mostly 0.98.

    Args:
        pixels: (height, width, 3), uint8, RGB.
    """
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = (grey - cv2.GaussianBlur(grey, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)).ravel()
    fine[np.abs(fine) < _NOTHING] = 0
    eased = np.sign(fine) * np.sqrt(np.abs(fine))
    length = np.linalg.norm(eased)
    return np.asarray(eased / length if length > 0 else eased, np.float32)
