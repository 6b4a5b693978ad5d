"""The steps in which colours are counted, and how each of them looks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

STEPS: Final = (6, 7, 7)
"""Of lightness, green to red and blue to yellow. The two odd ones have a step in the middle, where all greys lie."""
LOW: Final = (0, -70, -70)
HIGH: Final = (100, 70, 70)
"""CIELAB values of the first and the last steps."""
_WHITE: Final = (0.95047, 1.0, 1.08883)
_XYZ_TO_RGB: Final = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.969266, 1.8760108, 0.041556),
    (0.0556434, -0.2040259, 1.0572252),
)


def steps() -> list[str]:
    """Each step's colour as ``#rrggbb``, in the order of a palette's values."""
    values = [
        [low + (high - low) * at / (count - 1) for at in range(count)]
        for low, high, count in zip(LOW, HIGH, STEPS, strict=True)
    ]
    return [hexadecimal(*lab) for lab in product(*values)]


def lightness(shares: Sequence[float]) -> list[float]:
    """How much lies at each step of lightness, dark first; all of a palette together is ``sum(shares)``."""
    size = STEPS[1] * STEPS[2]
    return [sum(shares[at * size : (at + 1) * size]) for at in range(STEPS[0])]


def hexadecimal(lightness: float, green_red: float, blue_yellow: float) -> str:
    """A CIELAB colour (D65) in sRGB, cut off at what a screen can show (IEC 61966-2-1)."""
    y = (lightness + 16) / 116
    places = (y + green_red / 500, y, y - blue_yellow / 200)
    xyz = [
        white * (at**3 if at > 6 / 29 else (at - 4 / 29) * 3 * (6 / 29) ** 2)
        for at, white in zip(places, _WHITE, strict=True)
    ]
    linear = [sum(weight * value for weight, value in zip(row, xyz, strict=True)) for row in _XYZ_TO_RGB]
    return "#" + "".join(f"{round(255 * _encoded(min(max(value, 0.0), 1.0))):02x}" for value in linear)


def _encoded(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * float(value ** (1 / 2.4)) - 0.055
