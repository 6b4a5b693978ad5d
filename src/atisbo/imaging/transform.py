"""From RGB pixels to the network's input: the one preprocessor of serving, training and evaluation."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import TensorSpec

Pixels = NDArray[np.uint8]
"""(height, width, 3), uint8, RGB."""
Tensor = NDArray[np.float32]


def fit(pixels: Pixels, spec: TensorSpec) -> Pixels:
    """Resize to the card's size.

    Args:
        pixels: (height, width, 3), uint8, RGB.

    Returns:
        (spec.size[0], spec.size[1], 3), uint8, RGB, contiguous. The aspect ratio is not kept.
    """
    height, width = spec.size
    if pixels.shape[:2] == (height, width):
        return np.ascontiguousarray(pixels)
    shrinks = pixels.shape[0] > height or pixels.shape[1] > width
    method = cv2.INTER_AREA if spec.resize == "area" and shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=method), dtype=np.uint8)


def normalise(batch: Pixels, spec: TensorSpec) -> Tensor:
    """Scale, centre and lay out fitted pixels.

    Args:
        batch: (n, height, width, 3), uint8, RGB, already fitted.

    Returns:
        (n, 3, height, width) or, for NHWC, (n, height, width, 3); float32; (value / scale − mean) / std.
    """
    std = np.asarray(spec.std, np.float32)
    factor = (1.0 / (np.float32(spec.scale) * std)).astype(np.float32)
    shift = (np.asarray(spec.mean, np.float32) / std).astype(np.float32)
    tensor = batch.astype(np.float32) * factor - shift
    if spec.layout == "NCHW":
        tensor = tensor.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(tensor)


def transform(pixels: Pixels, spec: TensorSpec) -> Tensor:
    """One image, fitted and normalised: a batch of one as in :func:`normalise`."""
    return normalise(fit(pixels, spec)[np.newaxis], spec)
