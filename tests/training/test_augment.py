from __future__ import annotations

import numpy as np
import pytest

from atisbo.training.augment import augment
from atisbo.training.recipe import AugmentRecipe, load_recipe


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A bright square off the middle, on dark ground, and its mask."""
    mask = np.zeros((64, 64), np.uint8)
    mask[10:30, 34:58] = 1
    return (mask[..., np.newaxis] * np.array([180, 180, 180]) + 20).astype(np.uint8), mask[..., np.newaxis]


def test_nothing_asked_nothing_changed() -> None:
    pixels, mask = scene()
    image, label = augment(pixels, mask, (64, 64), AugmentRecipe(flip=0), np.random.default_rng(0))
    assert np.array_equal(image, pixels)
    assert np.array_equal(label, mask)


@pytest.mark.parametrize("seed", range(8))
def test_the_mask_follows_the_image(seed: int) -> None:
    pixels, mask = scene()
    recipe = AugmentRecipe(rotate_degrees=90, zoom=(0.7, 1.4), aspect=0.2, shift=0.1)
    image, label = augment(pixels, mask, (48, 48), recipe, np.random.default_rng(seed))
    bright = image[..., 0] > 110
    assert label.any()
    assert (bright & (label[..., 0] > 0)).sum() / (bright | (label[..., 0] > 0)).sum() > 0.85


def test_a_flip_is_exact() -> None:
    pixels, mask = scene()
    image, label = augment(pixels, mask, (64, 64), AugmentRecipe(flip=1), np.random.default_rng(0))
    assert np.array_equal(label, mask[::-1, ::-1])
    assert np.array_equal(image, pixels[::-1, ::-1])


def test_colours_change_and_labels_do_not() -> None:
    pixels, mask = scene()
    recipe = load_recipe("polyp").augment.model_copy(
        update={"flip": 0, "rotate_degrees": 0, "zoom": (1, 1), "aspect": 0, "shift": 0, "cutout": 1.0}
    )
    image, label = augment(pixels, mask, (64, 64), recipe, np.random.default_rng(4))
    assert np.array_equal(label, mask)
    assert not np.array_equal(image, pixels)
    assert image[mask[..., 0] > 0].mean() > image[mask[..., 0] == 0].mean() + 40


def test_the_generator_decides() -> None:
    pixels, mask = scene()
    recipe = load_recipe("polyp").augment
    one, two, other = (augment(pixels, mask, (64, 64), recipe, np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
