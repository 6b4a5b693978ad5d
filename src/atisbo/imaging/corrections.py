"""Masks of several layers, a bit of each pixel for each: the network's outlines and those that a person drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from atisbo.domain.findings import Polygon
from atisbo.domain.overlap import Counts, dice
from atisbo.errors import BadImage
from atisbo.imaging import draw
from atisbo.imaging.headers import Broken, Short, read_header
from atisbo.imaging.kinds import sniff
from atisbo.imaging.masks import MaskPixels, grey

_DEPTH, _COLOUR, _GREY = 24, 25, 0
"""Bytes of a PNG that hold its depth and its kind of colour, and the kind without colours (PNG 3rd edition, 11.2.1)."""


class Outlined(NamedTuple):
    """What the network outlined."""

    mask: bytes | None
    """PNG as :func:`atisbo.imaging.draw.mask_png` writes it; None where there is none."""
    shapes: Sequence[Sequence[Polygon]]
    """For each layer, in the card's order, the outlines of its regions; nothing where only the mask is known."""


def layers(outlined: Outlined, size: tuple[int, int]) -> MaskPixels:
    """The network's mask with a bit for each layer, which its greys cannot say where layers overlap.

    Args:
        size: height and width of the original, pixels.

    Returns:
        (height, width), uint8; bit k is layer k.
    """
    bits = np.zeros(size, np.uint8)
    if outlined.mask is None:
        return bits
    mask, count = draw.read_mask_png(outlined.mask, size), len(outlined.shapes)
    for number, polygons in enumerate(outlined.shapes):
        shade = grey(number, count)
        own = mask == shade
        if number + 1 < count:
            under = np.zeros(size, np.uint8)
            for rings in polygons:
                cv2.fillPoly(under, [np.array(ring, np.int32) for ring in rings], 1)
            own |= (under > 0) & (mask > shade)
        bits |= np.where(own, np.uint8(1 << number), np.uint8(0))
    return bits


def read(data: bytes, size: tuple[int, int], count: int) -> MaskPixels:
    """Unpack a mask that somebody sent.

    Args:
        size: height and width of the original, pixels.
        count: how many layers there are.

    Raises:
        BadImage: it is no PNG of one channel of 8 bits, damaged, of another size, or has bits of no layer.
    """
    _check_header(data, size)
    mask = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if mask is None or mask.shape != size or mask.dtype != np.uint8:
        raise _damaged()
    bits = np.asarray(mask, np.uint8)
    highest = int(bits.max())
    if highest >= 1 << count:
        raise BadImage(
            "mask_values",
            "The mask has pixels of {value}, and the highest that means something is {highest}. Draw it again.",
            value=highest,
            highest=(1 << count) - 1,
        )
    return bits


def _check_header(data: bytes, size: tuple[int, int]) -> None:
    if sniff(data) != "image/png":
        raise BadImage("mask_kind", "The mask is no PNG file. Send it as a PNG of one channel with 8 bits.")
    try:
        header = read_header(data, "image/png")
    except (Short, Broken) as error:
        raise _damaged() from error
    if (data[_DEPTH], data[_COLOUR]) != (8, _GREY) or header.extra or header.transparent_grey is not None:
        raise BadImage("mask_channels", "The mask has colours or transparency. Send it as one channel with 8 bits.")
    if (header.height, header.width) != size:
        raise BadImage(
            "mask_size",
            "The mask is {mask_width} × {mask_height} pixels and the picture {width} × {height}. Draw it again.",
            mask_width=header.width,
            mask_height=header.height,
            width=size[1],
            height=size[0],
        )


def _damaged() -> BadImage:
    return BadImage("mask_damaged", "The mask is damaged and cannot be opened. Save it again.")


def split(bits: MaskPixels, count: int) -> MaskPixels:
    """Each layer by itself: (count, height, width), uint8, 0 or 1."""
    return np.stack([bits >> number & 1 for number in range(count)])


def agreement(one: MaskPixels, other: MaskPixels, count: int) -> list[float]:
    """Dice coefficient of each layer of two masks; 1.0 where neither has a pixel of it."""
    return [_dice(a, b) for a, b in zip(split(one, count), split(other, count), strict=True)]


def _dice(one: MaskPixels, other: MaskPixels) -> float:
    both, first, second = (cv2.countNonZero(layer) for layer in (one & other, one, other))
    return round(dice(Counts(both, second - both, first - both, one.size - first - second + both)), 6)
