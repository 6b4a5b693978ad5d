"""Heat over a picture, as colours."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_LONGEST: Final = 768
"""Pixels; the map has less detail than that."""
_OPAQUE: Final = 0.5
"""From this share of the largest value on the colour covers the picture; below it fades out."""


def heat_png(values: NDArray[np.float32], size: tuple[int, int]) -> bytes:
    """Transparent where nothing is, then along the perceptually uniform map "viridis" (Smith and van der Walt, 2015).

    Args:
        values: (h, w), float32, 0 or more; the largest one gets the last colour.
        size: height and width in pixels of the part that they lie over; the picture has its shape.

    Returns:
        PNG with an alpha channel, its longer side at most 768 pixels.
    """
    factor = min(1.0, _LONGEST / max(size))
    width, height = max(1, round(size[1] * factor)), max(1, round(size[0] * factor))
    large = np.clip(cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC), 0, None)
    share = large / max(float(large.max()), 1e-9)
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    alpha = np.rint(255 * np.clip(share / _OPAQUE, 0, 1)).astype(np.uint8)
    written, data = cv2.imencode(".png", np.dstack([colours, alpha]))
    if not written:
        raise ValueError("could not write the heat map")
    return data.tobytes()
