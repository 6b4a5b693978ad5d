from __future__ import annotations

import numpy as np
import pytest

from atisbo.imaging.palette import SIZE, palette
from atisbo.imaging.transform import Pixels

RED, ORANGE, BLUE, GREY = (200, 30, 30), (220, 90, 30), (30, 60, 200), (128, 128, 128)


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (40, 60)) -> Pixels:
    return np.full((*size, 3), colour, np.uint8)


def alike(one: Pixels, other: Pixels) -> float:
    return float(palette(one) @ palette(other))


def test_a_palette_has_length_one_whatever_the_size() -> None:
    for size in ((1, 1), (16, 3000), (224, 224)):
        made = palette(plain(ORANGE, size))
        assert made.shape == (SIZE,)
        assert np.linalg.norm(made) == pytest.approx(1, abs=1e-5)


def test_it_tells_colours_and_not_where_they_are() -> None:
    left = np.concatenate([plain(RED), plain(BLUE)], axis=1)
    right = np.concatenate([plain(BLUE), plain(RED)], axis=1)
    assert alike(left, right) == pytest.approx(1, abs=1e-3)
    assert alike(plain(RED), plain(ORANGE)) > alike(plain(RED), plain(GREY)) + 0.1
    assert alike(plain(RED), plain(BLUE)) < 0.05
    assert alike(plain(RED), left) == pytest.approx(np.sqrt(0.5), abs=0.05)


def test_a_shade_of_difference_is_a_little_difference() -> None:
    """No edge of a step lies between two colours that an eye takes for one."""
    for value in range(20, 230, 7):
        assert alike(plain((value, value, value)), plain((value + 2, value + 2, value + 2))) > 0.97
