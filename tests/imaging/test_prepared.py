from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atisbo.domain.cards import TensorSpec
from atisbo.imaging.prepared import received

SPEC = TensorSpec(size=(8, 9))
VALUES: dict[str, Any] = {
    "size": [40, 30],
    "box": {"x": 0, "y": 0, "width": 30, "height": 40},
    "media_type": "image/png",
    "tone": [30.0, 60.0, 90.0],
    "contrast": 7.0,
}
BLOCKS = {
    "pixels": memoryview(bytes(8 * 9 * 3)),
    "palette": memoryview(np.ones(4, np.float32).tobytes()),
    "grain": memoryview(np.ones(4, np.float32).tobytes()),
}
NOT_A_NUMBER = memoryview(np.array([1, np.nan], np.float32).tobytes())


def test_what_a_child_says_of_a_picture() -> None:
    prepared = received(SPEC, True, VALUES, BLOCKS)
    assert (prepared.pixels.shape, prepared.size) == ((8, 9, 3), (40, 30))
    assert (prepared.tone, prepared.brightness, prepared.contrast) == ((30, 60, 90), 60, 7)


@pytest.mark.parametrize(
    "lie",
    [
        {"tone": [1, 2]},
        {"tone": [1, 2, float("nan")]},
        {"tone": [1, 2, 256]},
        {"contrast": "very"},
        {"size": [1]},
        {"box": {"x": -1}},
        {"pixels": memoryview(b"too few")},
        {"palette": NOT_A_NUMBER},
        {"grain": NOT_A_NUMBER},
    ],
    ids=lambda lie: f"{next(iter(lie))}",
)
def test_a_lie_goes_no_further(lie: dict[str, Any]) -> None:
    """One number that is none would take the results of a whole group with it, where they are written together."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        received(SPEC, True, VALUES | lie, BLOCKS | lie)
