from __future__ import annotations

import cv2
import numpy as np
import pytest

from atisbo.domain.colours import HIGH, LOW, STEPS, hexadecimal, lightness, steps
from atisbo.imaging.palette import palette


def test_a_step_looks_as_opencv_says() -> None:
    for lab in ((0, 0, 0), (100, 0, 0), (53, 80, 67), (60, -40, 30), (40, 10, -50)):
        theirs = cv2.cvtColor(np.array([[lab]], np.float32), cv2.COLOR_Lab2RGB)[0, 0].clip(0, 1) * 255
        ours = [int(hexadecimal(*lab)[at : at + 2], 16) for at in (1, 3, 5)]
        np.testing.assert_allclose(ours, theirs, atol=1.5)


@pytest.mark.parametrize("colour", [(250, 250, 250), (120, 120, 120), (10, 10, 10), (200, 60, 50)])
def test_the_steps_are_those_of_a_palette(colour: tuple[int, int, int]) -> None:
    shares = palette(np.full((40, 30, 3), colour, np.uint8)) ** 2
    looks = np.array([[int(one[at : at + 2], 16) for at in (1, 3, 5)] for one in steps()])
    mixed = (shares[:, None] * looks).sum(0)
    np.testing.assert_allclose(mixed, colour, atol=25)
    light = lightness(list(shares))
    assert len(light) == STEPS[0]
    assert sum(light) == pytest.approx(1, abs=1e-5)
    assert light.index(max(light)) == pytest.approx(np.mean(mixed) / 255 * 5, abs=1.2)
    assert len(steps()) == STEPS[0] * STEPS[1] * STEPS[2]
    assert (LOW[0], HIGH[0]) == (0, 100)
