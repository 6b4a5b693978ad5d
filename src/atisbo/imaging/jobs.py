"""What is done with untrusted bytes: runs in the quarantine's child processes.

A job takes plain values and returns plain values and named blocks of bytes, so that the parent never has to unpickle
what a child says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Limits, Region
from atisbo.imaging import corrections, draw
from atisbo.imaging.corrections import Outlined
from atisbo.imaging.decode import decode, decode_small, sniff
from atisbo.imaging.grain import grain
from atisbo.imaging.palette import palette
from atisbo.imaging.transform import Pixels, fit


class Reply(NamedTuple):
    values: Mapping[str, Any]
    """JSON can say them."""
    blocks: Mapping[str, bytes | memoryview]


def prepare(data: bytes, region: Region | None, spec: TensorSpec, limits: Limits, looks: bool) -> Reply:
    """Decode, cut the region out of the original's pixels, resize to the network's input; tell how light it is, and
    with ``looks`` its colours and grain.

    Raises:
        BadImage: see :func:`atisbo.imaging.decode.decode`.
        Invalid: the region reaches outside the picture.
    """
    if region is None:
        part, size = decode_small(data, limits, spec.size)
        box = Region(x=0, y=0, width=size[1], height=size[0])
    else:
        pixels = decode(data, limits)
        size = (pixels.shape[0], pixels.shape[1])
        part, box = cut(pixels, region)
    fitted = fit(part, spec)
    values = {"size": size, "box": box.model_dump(), "media_type": sniff(data), **tone(fitted)}
    blocks: dict[str, bytes | memoryview] = {"pixels": fitted.data.cast("B")}
    if looks:
        blocks |= {"palette": palette(fitted).tobytes(), "grain": grain(fitted).tobytes()}
    return Reply(values, blocks)


def tone(pixels: Pixels) -> dict[str, Any]:
    """``tone``: the means of red, green and blue; ``contrast``: the standard deviation of all their values."""
    means, deviations = (channels.ravel() for channels in cv2.meanStdDev(pixels))
    spread = np.mean(deviations**2 + means**2) - means.mean() ** 2
    return {"tone": means.tolist(), "contrast": float(np.sqrt(max(spread, 0.0)))}


def views(data: bytes, region: Region | None, outlined: Outlined | None, limits: Limits, analysed: bool) -> Reply:
    """Every picture for people, by file name: with outlines their overlay and layers, with a region the crop; and, if
    it is wanted, the overlay's part within the region.
    """
    pixels = decode(data, limits)
    blocks = {"preview.jpg": draw.preview(pixels), "thumbnail.jpg": draw.thumbnail(pixels)}
    if outlined is not None and outlined.mask is not None:
        size = (pixels.shape[0], pixels.shape[1])
        mask = draw.read_mask_png(outlined.mask, size)
        blocks["overlay.png"] = draw.overlay(pixels, mask)
        if analysed and region is not None:
            window = np.s_[region.y : region.y + region.height, region.x : region.x + region.width]
            blocks["analysed.png"] = draw.overlay(pixels[window], mask[window])
        if outlined.shapes:
            blocks["layers.png"] = draw.mask_png(corrections.layers(outlined, size))
    if region is not None:
        part = cut(pixels, region)[0]
        blocks |= {"crop.png": draw.png(part), "part.jpg": draw.thumbnail(part)}
    return Reply({}, blocks)


def reduced(data: bytes, longest: int, limits: Limits) -> Reply:
    """All of the upright picture, its longer side at most ``longest`` pixels."""
    pixels = decode(data, limits)
    small = draw.shrunk(pixels, longest)
    return Reply({"size": pixels.shape[:2], "shape": small.shape[:2]}, {"pixels": small.data.cast("B")})


def cut(pixels: Pixels, region: Region | None) -> tuple[Pixels, Region]:
    """The region's pixels and where they lie; everything where there is no region.

    Raises:
        Invalid: the region reaches outside the picture.
    """
    height, width = pixels.shape[:2]
    box = region.inside(width, height) if region else Region(x=0, y=0, width=width, height=height)
    return np.ascontiguousarray(pixels[box.y : box.y + box.height, box.x : box.x + box.width]), box


def correct(data: bytes, outlined: Outlined, size: tuple[int, int]) -> Reply:
    """A mask that a person drew, written anew, and how far each layer agrees with the network's.

    Raises:
        BadImage: see :func:`atisbo.imaging.corrections.read`.
    """
    count = len(outlined.shapes)
    bits = corrections.read(data, size, count)
    agreed = corrections.agreement(corrections.layers(outlined, size), bits, count)
    return Reply({"dice": agreed}, {"mask.png": draw.mask_png(bits)})


def compare(one: bytes | Outlined, other: bytes | Outlined, size: tuple[int, int], count: int) -> Reply:
    """How far two readers' outlines agree, by layer; whoever found the network's right has its outlines."""
    first, second = (
        corrections.layers(side, size) if isinstance(side, Outlined) else corrections.read(side, size, count)
        for side in (one, other)
    )
    return Reply({"dice": corrections.agreement(first, second, count)}, {})


def ready() -> None:
    """Before the first job: each child keeps to one core."""
    cv2.setNumThreads(1)


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {
    "prepare": prepare,
    "reduced": reduced,
    "views": views,
    "correct": correct,
    "compare": compare,
}
