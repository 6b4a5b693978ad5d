"""Regions of interest in the original's pixels, and the limits an uploaded picture must keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from atisbo.errors import Invalid

if TYPE_CHECKING:  # decoders have no use for settings
    from atisbo.config import Settings

ACCEPTED_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/tiff", "image/bmp")


class Region(BaseModel):
    """A rectangle in the pixels of the upright original: ``x`` to the right, ``y`` down, from the top left corner."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    x: int = Field(ge=0, lt=100_000)
    y: int = Field(ge=0, lt=100_000)
    width: int = Field(gt=0, lt=100_000)
    height: int = Field(gt=0, lt=100_000)

    def inside(self, width: int, height: int) -> Self:
        """Itself, if it lies within a picture of ``width`` × ``height`` pixels.

        Raises:
            Invalid: the region reaches outside the picture.
        """
        if self.x + self.width > width or self.y + self.height > height:
            raise Invalid(
                "region_outside",
                "The marked region reaches outside the picture, which is {width} × {height} pixels. Mark it again.",
                width=width,
                height=height,
            )
        return self


class Limits(BaseModel):
    """What a picture may be at most; above it is refused before its pixels are unpacked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_pixels: int = 50_000_000
    """Width × height."""
    max_side: int = 20_000
    """Longest side in pixels."""
    min_side: int = 16
    """Shortest side in pixels."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the operator set."""
        return cls(max_pixels=settings.max_image_pixels, max_side=settings.max_image_side)

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.min_side > self.max_side:
            raise ValueError("min_side is larger than max_side")
        return self


def display_name(name: str) -> str:
    """The last part of a sent file name, without control characters: for people to read, never a path."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)[:200] or "image"
