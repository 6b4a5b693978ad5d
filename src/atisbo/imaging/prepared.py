"""A picture made ready for a network, as it comes back from a child process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import TensorSpec
from atisbo.domain.images import Region
from atisbo.imaging.grain import Grain
from atisbo.imaging.palette import Palette
from atisbo.imaging.transform import Pixels

Blocks = dict[str, memoryview]


@dataclass(frozen=True)
class Prepared:
    """A picture made ready for a network."""

    pixels: Pixels
    """(H, W, 3), uint8, RGB, at the size the card asks for."""
    size: tuple[int, int]
    """Height and width of the upright original, pixels."""
    box: Region
    """The part that was analysed; everything where no region was marked."""
    media_type: str
    palette: Palette | None = None
    """Of the analysed part, as ``grain``, where they were asked for; see :func:`atisbo.imaging.palette.palette`."""
    grain: Grain | None = None
    """See :func:`atisbo.imaging.grain.grain`."""
    tone: tuple[float, float, float] | None = None
    """Means of red, green and blue of ``pixels``, 0 dark to 255 bright, and ``contrast`` the standard deviation of
    all their values."""
    contrast: float | None = None

    @property
    def brightness(self) -> float | None:
        """Mean of ``pixels``, 0 black to 255 white."""
        return sum(self.tone) / 3 if self.tone else None


def received(spec: TensorSpec, looks: bool, values: dict[str, Any], blocks: Blocks) -> Prepared:
    """What a child says, checked: one that was taken over can say anything.

    Raises:
        ValueError, KeyError, TypeError: it is not what was asked for.
    """
    height, width = (int(side) for side in values["size"])
    red, green, blue, contrast = (_level(value) for value in (*values["tone"], values["contrast"]))
    return Prepared(
        pixels=np.frombuffer(blocks["pixels"], np.uint8).reshape(*spec.size, 3),
        size=(height, width),
        box=Region(**values["box"]),
        media_type=str(values["media_type"]),
        palette=_numbers(blocks["palette"]) if looks else None,
        grain=_numbers(blocks["grain"]) if looks else None,
        tone=(red, green, blue),
        contrast=contrast,
    )


def _numbers(block: memoryview) -> NDArray[np.float32]:
    values = np.frombuffer(block, np.float32)
    if not np.isfinite(values).all():
        raise ValueError("not a number")
    return values


def _level(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 255:
        raise ValueError("outside its range")
    return number
