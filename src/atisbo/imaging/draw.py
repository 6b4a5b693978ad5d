"""Pictures for people: overlays, masks, previews. Always encoded anew from pixels, so no metadata can come along."""

from __future__ import annotations

from itertools import cycle
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.masks import MaskPixels
from atisbo.imaging.transform import Pixels

Colour = tuple[int, int, int]
COLOURS: Final[tuple[Colour, ...]] = ((0x00, 0xE5, 0xFF), (0xFF, 0xD6, 0x0A))
"""Cyan, and yellow for a second label: readable on pink mucosa, orange fundus and grey paper."""
_HAIRLINE: Final = (16, 20, 24)
_FILL: Final = 0.35
_FAST_PNG: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1)
# 3 ms and 4 KB for an HD mask; OpenCV's defaults take 12 ms and 15 KB.
_MASK_PNG: Final = (
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
)


def overlay(pixels: Pixels, mask: MaskPixels) -> bytes:
    """The picture with the mask's areas tinted and their contours drawn, as PNG of the same size.

    Args:
        pixels: (height, width, 3), uint8, RGB.
        mask: (height, width), uint8, 0 elsewhere; the greys above it take the colours of :data:`COLOURS` in turn.
    """
    drawn = pixels.copy()
    x, y, width, height = cv2.boundingRect(mask)
    if width:
        greys = np.flatnonzero(np.bincount(mask.ravel(), minlength=256)[1:]) + 1
        areas = [(np.asarray(mask == grey, np.uint8), colour) for grey, colour in zip(greys, cycle(COLOURS))]
        window = np.s_[y : y + height, x : x + width]
        for area, colour in areas:
            _tint(drawn[window], area[window], colour)
        line = max(2, round(max(mask.shape) / 400))
        for area, colour in areas:
            contours, _ = cv2.findContours(area, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, contours, -1, _HAIRLINE, line + 2, cv2.LINE_AA)
            cv2.drawContours(drawn, contours, -1, colour, line, cv2.LINE_AA)
    return png(drawn)


def _tint(part: Pixels, area: MaskPixels, colour: Colour) -> None:
    tinted = cv2.addWeighted(part, 1 - _FILL, np.full_like(part, colour), _FILL, 0)
    np.copyto(part, tinted, where=area[..., np.newaxis] > 0)


def mask_png(mask: MaskPixels) -> bytes:
    """One channel of 8 bits, the mask's own size."""
    return _encoded(".png", mask, _MASK_PNG)


def read_mask_png(data: bytes, size: tuple[int, int]) -> MaskPixels:
    """What :func:`mask_png` wrote.

    Raises:
        ValueError: it is damaged, or of another size than ``size`` (height, width).
    """
    mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if data else None
    if mask is None or mask.shape != size:
        raise ValueError("the stored mask does not fit its picture")
    return np.asarray(mask, dtype=np.uint8)


def png(pixels: Pixels) -> bytes:
    """Without loss, quickly rather than small."""
    return _encoded(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _FAST_PNG)


def preview(pixels: Pixels, longest: int = 2048) -> bytes:
    """JPEG for the screen; its longer side is at most ``longest`` pixels."""
    return _jpeg(pixels, longest, 90)


def thumbnail(pixels: Pixels, longest: int = 320) -> bytes:
    """Small JPEG for lists; its longer side is at most ``longest`` pixels."""
    return _jpeg(pixels, longest, 82)


def shrunk(pixels: Pixels, longest: int) -> Pixels:
    """With the longer side at most ``longest`` pixels; a smaller picture as it is."""
    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return np.ascontiguousarray(pixels)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _jpeg(pixels: Pixels, longest: int, quality: int) -> bytes:
    small = cv2.cvtColor(shrunk(pixels, longest), cv2.COLOR_RGB2BGR)
    return _encoded(".jpg", small, (cv2.IMWRITE_JPEG_QUALITY, quality))


def _encoded(kind: str, pixels: cv2.typing.MatLike | NDArray[np.uint8], options: tuple[int, ...]) -> bytes:
    written, data = cv2.imencode(kind, pixels, options)
    if not written:
        raise ValueError(f"could not write {kind}")
    return data.tobytes()
