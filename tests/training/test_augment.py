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


def test_without_masks_pictures_are_changed_alike() -> None:
    pixels, mask = scene()
    recipe = load_recipe("polyp").augment.model_copy(update={"cutout": 0.0})
    whole = augment(pixels, mask, (48, 48), recipe, np.random.default_rng(5))[0]
    bare, nothing = augment(pixels, mask[..., :0], (48, 48), recipe, np.random.default_rng(5))
    assert np.array_equal(whole, bare)
    assert nothing.shape == (48, 48, 0)


def test_several_masks_are_warped_alike() -> None:
    pixels, mask = scene()
    recipe = AugmentRecipe(rotate_degrees=60, zoom=(0.8, 1.5), crop=True, margin="reflect")
    _, both = augment(pixels, np.concatenate([mask, 1 - mask], 2), (40, 40), recipe, np.random.default_rng(1))
    assert (both.sum(2) == 1).all()


def coloured() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)


@pytest.mark.parametrize(
    ("change", "colours"),
    [({"grey": 1.0}, 1), ({"grey": 1.0, "tint": 0.5, "hue_degrees": 90.0}, 1), ({"hue_degrees": 90.0}, 3)],
)
def test_grey_is_grey_whatever_else_is_asked(change: dict[str, float], colours: int) -> None:
    recipe = AugmentRecipe(flip=0, **change)
    image, _ = augment(coloured(), np.zeros((24, 24, 0), np.uint8), (24, 24), recipe, np.random.default_rng(2))
    spread = image.astype(int).max(2) - image.astype(int).min(2)
    assert (spread.max() <= 1) == (colours == 1)


def test_a_print_has_one_ink_and_one_paper() -> None:
    recipe = AugmentRecipe(flip=0, duotone=1.0)
    image, _ = augment(coloured(), np.zeros((24, 24, 0), np.uint8), (24, 24), recipe, np.random.default_rng(2))
    colours = image.reshape(-1, 3).astype(float)
    colours -= colours.mean(0)
    values = np.linalg.svd(colours, compute_uv=False)
    assert values[1] < 0.02 * values[0], "all colours lie on one line"


def test_fewer_values_and_a_coarser_grid() -> None:
    nothing = np.zeros((24, 24, 0), np.uint8)
    few, _ = augment(coloured(), nothing, (24, 24), AugmentRecipe(flip=0, posterise=1.0), np.random.default_rng(2))
    assert len(np.unique(few)) <= 32
    coarse, _ = augment(coloured(), nothing, (24, 24), AugmentRecipe(flip=0, coarse=1.0), np.random.default_rng(2))
    assert np.abs(np.diff(coarse.astype(int), axis=0)).mean() < np.abs(np.diff(coloured().astype(int), axis=0)).mean()


def test_vertical_flips_can_be_forbidden() -> None:
    pixels, mask = scene()
    recipe = AugmentRecipe(flip=1, flip_vertical=0)
    image, _ = augment(pixels, mask, (64, 64), recipe, np.random.default_rng(0))
    assert np.array_equal(image, pixels[:, ::-1])
