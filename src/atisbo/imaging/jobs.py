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
from atisbo.imaging import draw
from atisbo.imaging.decode import decode, sniff
from atisbo.imaging.palette import palette
from atisbo.imaging.transform import Pixels, fit


class Reply(NamedTuple):
    values: Mapping[str, Any]
    """JSON can say them."""
    blocks: Mapping[str, bytes | memoryview]


def prepare(data: bytes, region: Region | None, spec: TensorSpec, limits: Limits) -> Reply:
    """Decode, cut the region out of the original's pixels, resize to the network's input; tell its colours.

    Raises:
        BadImage: see :func:`atisbo.imaging.decode.decode`.
        Invalid: the region reaches outside the picture.
    """
    pixels = decode(data, limits)
    part, box = cut(pixels, region)
    fitted = fit(part, spec)
    values = {"size": pixels.shape[:2], "box": box.model_dump(), "media_type": sniff(data)}
    return Reply(values, {"pixels": fitted.data.cast("B"), "palette": palette(fitted).tobytes()})


def views(data: bytes, region: Region | None, mask: bytes | None, limits: Limits) -> Reply:
    """Every picture for people, by file name: with a mask its overlay, with a region the crop.

    Args:
        mask: a PNG of the whole original's size, from :func:`atisbo.imaging.draw.mask_png`.
    """
    pixels = decode(data, limits)
    blocks = {"preview.jpg": draw.preview(pixels), "thumbnail.jpg": draw.thumbnail(pixels)}
    if mask is not None:
        height, width = pixels.shape[:2]
        blocks["overlay.png"] = draw.overlay(pixels, draw.read_mask_png(mask, (height, width)))
    if region is not None:
        blocks["crop.png"] = draw.png(cut(pixels, region)[0])
    return Reply({}, blocks)


def cut(pixels: Pixels, region: Region | None) -> tuple[Pixels, Region]:
    """The region's pixels and where they lie; everything where there is no region.

    Raises:
        Invalid: the region reaches outside the picture.
    """
    height, width = pixels.shape[:2]
    box = region.inside(width, height) if region else Region(x=0, y=0, width=width, height=height)
    return np.ascontiguousarray(pixels[box.y : box.y + box.height, box.x : box.x + box.width]), box


def ready() -> None:
    """Before the first job: each child keeps to one core."""
    cv2.setNumThreads(1)


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {"prepare": prepare, "views": views}
