from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from atisbo.domain.applications import SHIPPED
from atisbo.imaging.grain import SIDE, grain
from atisbo.imaging.transform import Pixels
from tests.pictures import encoded, opened

PICTURES = sorted((SHIPPED / "art/samples").glob("*.jpg")) + sorted((SHIPPED / "polyp/samples").glob("*.jpg"))


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"))


def test_the_same_picture_smaller_and_saved_anew_is_known_again_and_no_other() -> None:
    images = [opened(path.read_bytes()) for path in PICTURES]
    grains = np.array([grain(pixels(image)) for image in images])
    again = [
        grain(
            pixels(
                opened(
                    encoded(
                        image.convert("RGB").resize((image.width * 4 // 5, image.height * 4 // 5)), "JPEG", quality=70
                    )
                )
            )
        )
        for image in images
    ]
    alike = np.array(again) @ grains.T
    assert alike.diagonal().min() > 0.955
    np.fill_diagonal(alike, 0)
    assert alike.max() < 0.8


def test_a_plain_picture_has_none() -> None:
    made = grain(np.full((50, 40, 3), 90, np.uint8))
    assert made.shape == (SIDE * SIDE,)
    assert not made.any()
    assert np.linalg.norm(grain(np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8))) == pytest.approx(1)
