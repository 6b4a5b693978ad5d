"""Self-contained HTML pages out of templates: own styles, no script, no outside resource, light and dark.

Everything a template prints is escaped, and the page's own policy forbids the browser to load anything: names of files
and classes are other people's.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from atisbo import __version__
from atisbo.imaging.transform import Pixels

ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_QUALITY: Final = 76


def render(template: str, **context: Any) -> str:
    """The page that ``evaluation/templates/<template>`` makes of the context; it extends ``page.html``."""
    return ENVIRONMENT.get_template(template).render({"version": __version__, **context})


def picture(pixels: Pixels, side: int = 176) -> str:
    """A ``data:`` address of a WebP thumbnail, for ``<img src>``.

    Args:
        pixels: (height, width, 3), uint8, RGB.
        side: the longer side of the thumbnail at most, pixels.

    Raises:
        ValueError: the thumbnail cannot be written.
    """
    return data_uri(webp(pixels, side))


def webp(pixels: Pixels, side: int) -> bytes:
    """A WebP no longer than ``side`` pixels, without metadata.

    Raises:
        ValueError: it cannot be written.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if factor < 1 else pixels
    bgr = np.ascontiguousarray(small[..., ::-1])
    written, data = cv2.imencode(".webp", bgr, (cv2.IMWRITE_WEBP_QUALITY, _QUALITY))
    if not written:
        raise ValueError("could not write a thumbnail")
    return data.tobytes()


def data_uri(image: bytes, media_type: str = "image/webp") -> str:
    """The ``data:`` address of an encoded picture."""
    return f"data:{media_type};base64," + base64.b64encode(image).decode("ascii")


def number(value: float, digits: int = 0) -> str:
    """``12,345.6``; a dash for nan."""
    return "–" if value != value else f"{value:,.{digits}f}"


def percent(share: float, digits: int = 1) -> str:
    """``12.3 %`` of a share from 0 to 1; a dash for nan."""
    return "–" if share != share else f"{100 * share:.{digits}f} %"


def size(count: float) -> str:
    """Bytes as people say them: ``3.4 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


ENVIRONMENT.filters.update(number=number, percent=percent, size=size)
