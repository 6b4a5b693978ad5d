"""Pictures for tests, made of what ships: nothing of a data set is needed."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

from atisbo.domain.applications import SHIPPED

CANARY = "canary-7f3a91"


@cache
def frame() -> Image.Image:
    """A sample frame that ships with the polyp application."""
    with Image.open(SHIPPED / "polyp/samples/frame-3.jpg") as image:
        return image.convert("RGB")


def mucosa(width: int = 320, height: int = 256, *, seed: int = 0) -> Image.Image:
    """A colonoscopy frame of this size, with a little noise that makes every seed's bytes differ."""
    pixels = np.asarray(frame().resize((width, height), Image.Resampling.BOX), np.float64)
    noisy = pixels + np.random.default_rng(seed).normal(0, 2, pixels.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(width: int = 320, height: int = 256, *, seed: int = 0) -> bytes:
    return encoded(mucosa(width, height, seed=seed), "JPEG", quality=90)


def with_metadata(width: int = 320, height: int = 256) -> bytes:
    """A JPEG whose EXIF, GPS, comment and XMP carry the canary."""
    exif = Image.Exif()
    exif[0x010E] = CANARY
    exif[0x8298] = CANARY
    gps = exif.get_ifd(0x8825)
    gps[1] = "N"
    gps[29] = CANARY
    return encoded(mucosa(width, height), "JPEG", exif=exif.tobytes(), comment=CANARY.encode())


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
