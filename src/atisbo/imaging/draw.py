"""Pictures for people: re-encoded, so that nothing of the original but its pixels can come through."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from atisbo.imaging.masks import MaskPixels
from atisbo.imaging.transform import Pixels

CONTOUR: Final = (0x00, 0xE5, 0xFF)
"""Cyan, RGB: readable on mucosa, fundus and paper."""
HAIRLINE: Final = (0x06, 0x1E, 0x22)
FILL: Final = 0.35
PREVIEW_SIDE: Final = 2048
THUMBNAIL_SIDE: Final = 320


def overlay(pixels: Pixels, mask: MaskPixels) -> bytes:
    """The picture with the mask filled at 35 % and outlined in cyan over a dark hairline, as PNG.

    Args:
        pixels: (height, width, 3), uint8, RGB.
        mask: (height, width), uint8, above 0 on the object.
    """
    drawn = pixels.copy()
    inside = mask > 0
    tint = np.asarray(CONTOUR, np.float32)
    drawn[inside] = (pixels[inside] * (1 - FILL) + tint * FILL).astype(np.uint8)
    outlines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = max(2, round(max(pixels.shape[:2]) / 400))
    cv2.drawContours(drawn, outlines, -1, HAIRLINE, line + 2, cv2.LINE_AA)
    cv2.drawContours(drawn, outlines, -1, CONTOUR, line, cv2.LINE_AA)
    return png(drawn)


def png(pixels: Pixels) -> bytes:
    """Lossless; (height, width, 3), uint8, RGB."""
    return _encode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])


def mask_png(mask: MaskPixels) -> bytes:
    """A single channel of 8 bits, 0 or 255; run-length coding is both the quickest and the smallest here."""
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    return _encode(".png", mask, options)


def preview(pixels: Pixels) -> bytes:
    """JPEG, longest side at most 2048 pixels."""
    return _jpeg(_shrunk(pixels, PREVIEW_SIDE), 90)


def thumbnail(pixels: Pixels) -> bytes:
    """JPEG, longest side at most 320 pixels."""
    return _jpeg(_shrunk(pixels, THUMBNAIL_SIDE), 82)


def _shrunk(pixels: Pixels, longest: int) -> Pixels:
    height, width = pixels.shape[:2]
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    return _encode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode(kind: str, pixels: cv2.typing.MatLike, options: list[int]) -> bytes:
    done, data = cv2.imencode(kind, pixels, options)
    if not done:
        raise ValueError(f"could not encode {kind}")
    return data.tobytes()
