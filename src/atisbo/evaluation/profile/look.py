"""The jobs of the child processes: what is learnt from one file's bytes while its pixels are in memory.

A file that cannot be opened is a result like any other; only a crash, a hang or a lie costs the whole job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np

from atisbo.domain.images import Limits
from atisbo.errors import BadImage
from atisbo.evaluation.profile.modes import mode_of
from atisbo.imaging.decode import decode, sniff
from atisbo.imaging.draw import thumbnail
from atisbo.imaging.jobs import Reply, ready
from atisbo.imaging.likeness import detail, perceptual_hash, shrunk
from atisbo.imaging.transform import Pixels

_FLAT: Final = 2.0
"""Standard deviation in grey levels under which a picture is taken as one colour."""


def look(files: Sequence[tuple[str, bytes]], limits: Limits) -> Reply:
    """Open some files, one after the other.

    Args:
        files: role (``image`` or ``mask``) and content.

    Returns:
        ``items``: what was learnt of each, or why it could not be opened. ``hashes`` and ``details``: 8 and 1024 bytes
        for each image that was opened, in order.
    """
    items: list[dict[str, Any]] = []
    hashes, details = bytearray(), bytearray()
    for role, data in files:
        try:
            pixels = decode(data, limits)
            found = _common(data, pixels)
            if role == "mask":
                found |= _mask(pixels)
            else:
                image, perceptual, detail = _image(pixels)
                found |= image
                hashes += perceptual
                details += detail
        except BadImage as error:
            found = {"refused": error.code, "about": {k: str(v) for k, v in error.values.items()}}
        except MemoryError:
            found = {"refused": "image_memory", "about": {}}
        items.append(found)
    return Reply({"items": items}, {"hashes": bytes(hashes), "details": bytes(details)})


def thumb(data: bytes, side: int, limits: Limits) -> Reply:
    """A JPEG no longer than ``side`` pixels, encoded anew.

    Raises:
        BadImage: see :func:`atisbo.imaging.decode.decode`.
    """
    return Reply({}, {"jpeg": thumbnail(decode(data, limits), side)})


def _common(data: bytes, pixels: Pixels) -> dict[str, Any]:
    media_type = sniff(data) or ""
    mode = mode_of(data, media_type)
    return {"media": media_type, "size": [pixels.shape[1], pixels.shape[0]], "mode": mode.name, "bits": mode.bits}


def _image(pixels: Pixels) -> tuple[dict[str, Any], bytes, bytes]:
    small = shrunk(pixels)
    found = {"mean": [round(value, 3) for value in cv2.mean(pixels)[:3]], "flat": bool(small.std() < _FLAT)}
    return found, perceptual_hash(small), detail(small)


def _mask(pixels: Pixels) -> dict[str, Any]:
    """Of the brightest channel, read as a network would read it: object where it is over 127."""
    grey = pixels.max(axis=2) if (pixels[..., 0] != pixels[..., 1]).any() else np.ascontiguousarray(pixels[..., 0])
    counts = np.bincount(grey.ravel(), minlength=256)
    values = np.flatnonzero(counts)
    return {
        "area": round(float(counts[128:].sum() / grey.size), 6),
        "levels": len(values),
        "brightest": int(values[-1]),
        "between": round(float(counts[values[0] + 1 : values[-1]].sum() / grey.size), 6),
    }


JOBS: Final[Mapping[str, Callable[..., Reply]]] = {"look": look, "thumb": thumb}

__all__ = ["JOBS", "look", "ready", "thumb"]
