"""An image and what a person said of it, made ready for a dataset; runs in the quarantine's child processes."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np

from atisbo.domain.images import Limits, Region
from atisbo.errors import BadImage
from atisbo.imaging import draw, outlines
from atisbo.imaging.corrections import split
from atisbo.imaging.decode import decode, inspect, sniff
from atisbo.imaging.folders import Mask
from atisbo.imaging.jobs import Reply, cut, ready
from atisbo.imaging.likeness import detail, perceptual_hash, shrunk
from atisbo.imaging.masks import MaskPixels, grey

_KEPT: Final = frozenset({0xE0, 0xE2, 0xEE})
"""JPEG segments without which pixels come out differently elsewhere: JFIF, the colour profile, Adobe's transform."""


def describe(
    data: bytes, region: Region | None, mask: bytes | None, bits: bool, labels: Sequence[str], limits: Limits
) -> Reply:
    """What a dataset keeps of an image.

    Args:
        mask: PNG of the whole upright original; None where nothing is outlined, which is no mask for any label.
        bits: each label has a bit of its own (a person's outline); else a grey of its own (the network's).
        labels: whose masks are made.

    Returns:
        ``size`` (width, height) and ``ending`` of the picture; ``regions`` of each label's mask. Blocks ``picture``,
        ``likeness`` and ``mask:`` with each label.

    Raises:
        BadImage: the image or its mask cannot be opened, or does not fit the other.
        Invalid: the region reaches outside the picture.
    """
    pixels = decode(data, limits)
    part, box = cut(pixels, region)
    ending, picture = _picture(data, limits) if region is None else ("png", None)
    small = shrunk(part)
    blocks: dict[str, bytes | memoryview] = {
        "picture": draw.png(part) if picture is None else picture,
        "likeness": perceptual_hash(small) + detail(small),
    }
    found: dict[str, Any] = {}
    if mask is not None:
        layers = _layers(mask, (pixels.shape[0], pixels.shape[1]), bits, len(labels))
        for label, whole in zip(labels, layers, strict=True):
            own = np.ascontiguousarray(whole[box.y : box.y + box.height, box.x : box.x + box.width])
            blocks[f"mask:{label}"] = draw.mask_png(own.view(np.uint8) * np.uint8(255))
            found[label] = outlines.regions(own)
    return Reply({"size": [box.width, box.height], "ending": ending, "regions": found}, blocks)


def _picture(data: bytes, limits: Limits) -> tuple[str, bytes | None]:
    """A JPEG that is upright loses its metadata and no pixel; anything else is written anew, as PNG."""
    if sniff(data) == "image/jpeg" and inspect(data, limits).orientation == 1:
        return "jpg", stripped(data)
    return "png", None


def stripped(data: bytes) -> bytes:
    """A JPEG without comments and application segments, but for those that its colours need."""
    kept = bytearray(data[:2])
    for marker, start, end in _segments(data):
        scan = marker == 0xDA
        if scan:
            kept += data[start : data.rfind(b"\xff\xd9") + 2]
            break
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _KEPT:
            kept += data[start:end]
    return bytes(kept)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment up to the first scan (ITU-T T.81, B.1.1)."""
    at = 2
    while True:
        start = at
        while data[at + 1] == 0xFF:
            at += 1
        marker = data[at + 1]
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, start, at + 2 + length
        at += 2 + length


def _layers(data: bytes, size: tuple[int, int], bits: bool, count: int) -> list[Mask]:
    try:
        mask = draw.read_mask_png(data, size)
    except (ValueError, cv2.error) as error:
        raise BadImage("mask_damaged", "The outline of this picture is damaged. Draw it again.") from error
    if bits:
        return list(split(mask, count).astype(np.bool_))
    return [_of_grey(mask, number, count) for number in range(count)]


def _of_grey(mask: MaskPixels, number: int, count: int) -> Mask:
    return np.asarray(mask > 0 if count == 1 else mask == grey(number, count), np.bool_)


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {"describe": describe}

__all__ = ["JOBS", "describe", "ready", "stripped"]
