"""Pictures for tests, made here: nothing of a data set is needed."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CANARY = "canary-7f3a91"


def mucosa(width: int = 320, height: int = 256, *, seed: int = 0) -> Image.Image:
    """A pinkish picture with a brighter blob, somewhat like what an endoscope sees."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    blob = np.exp(-(((x - 0.55 * width) / (0.18 * width)) ** 2 + ((y - 0.5 * height) / (0.2 * height)) ** 2))
    base: NDArray[np.float64] = np.stack([150 + 70 * blob, 70 + 60 * blob, 60 + 40 * blob], axis=-1)
    noisy = base + random.normal(0, 6, base.shape)
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
