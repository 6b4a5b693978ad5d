from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from atisbo.domain.cards import TensorSpec
from atisbo.errors import Invalid
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Sample, thumbnail
from atisbo.imaging.transform import fit
from atisbo.training.data import Batches, Cached, read
from atisbo.training.recipe import AugmentRecipe, DataRecipe
from atisbo.training.split import load, split
from tests.training.ellipses import ellipses, tiny

SPEC = TensorSpec(size=(32, 32))


def images(count: int, *, folder: str = "f", **columns: list[str]) -> list[Cached]:
    """Different noise, half of it labelled."""
    random = np.random.default_rng(1)
    noise = [random.integers(0, 255, (16, 16, 3), np.uint8) for _ in range(count)]
    return [
        Cached(
            Sample(folder, Path(f"{i + 1}.png"), None, {name: values[i] for name, values in columns.items()}),
            noise[i],
            thumbnail(noise[i]),
            np.full((16, 16, 1), i % 2, np.uint8),
        )
        for i in range(count)
    ]


def names(side: list[Cached]) -> set[str]:
    return {image.sample.name for image in side}


def test_a_hospital_stays_on_one_side() -> None:
    centres = [f"C{i % 7}" for i in range(70)]
    parts = split(images(70, centre=centres), DataRecipe(validation=0.3, group_columns=("centre",)), 5)
    trained, validated = (
        {image.sample.columns["centre"] for image in side} for side in (parts.train, parts.validation)
    )
    assert trained
    assert validated
    assert not trained & validated


def test_a_held_out_hospital_is_nowhere_else() -> None:
    parts = split(images(30, centre=["A", "B", "C"] * 10), DataRecipe(hold_out=("centre=B",)), 0)
    assert {image.sample.columns["centre"] for image in parts.held_out} == {"B"}
    assert len(parts.held_out) == 10
    assert not names(parts.held_out) & (names(parts.train) | names(parts.validation))


def test_near_copies_of_a_held_out_image_are_not_trained_on() -> None:
    many = images(20, centre=["A"] * 10 + ["B"] * 10)
    many[3] = dataclasses.replace(many[3], look=thumbnail(np.clip(many[15].pixels, 1, 254)))
    parts = split(many, DataRecipe(hold_out=("centre=B",), alike=0.97), 0)
    assert "f/4.png" not in names(parts.train) | names(parts.validation) | names(parts.held_out)
    assert len(parts.train) + len(parts.validation) == 9


def test_what_is_alike_does_not_depend_on_the_size_of_the_network(tmp_path: Path) -> None:
    folder = ellipses(tmp_path / "frames", 6)
    (one, *_), _ = read([folder], tiny(input={"size": [32, 32]}))
    (other, *_), _ = read([folder], tiny(input={"size": [96, 64]}))
    assert one.pixels.shape != other.pixels.shape
    assert np.array_equal(one.look, other.look)


def test_neighbouring_frames_stay_together() -> None:
    parts = split(images(60), DataRecipe(validation=0.3, blocks={"f": 6}), 0)
    blocks = [{(int(image.sample.image.stem) - 1) // 6 for image in side} for side in (parts.train, parts.validation)]
    assert not blocks[0] & blocks[1]
    assert len(blocks[1]) == 3
    groups = {image.sample.columns["group"] for image in parts.validation}
    assert len(groups) == 3


def test_validation_takes_its_share_of_every_stratum() -> None:
    parts = split(images(80, centre=["A"] * 60 + ["B"] * 20), DataRecipe(validation=0.2, strata=("centre",)), 0)
    centres = [image.sample.columns["centre"] for image in parts.validation]
    assert (centres.count("A"), centres.count("B")) == (12, 4)
    assert sum(bool(image.masks.any()) for image in parts.validation) == 8


def test_a_large_group_is_not_forced_into_validation() -> None:
    centres = ["big"] * 40 + [f"{i}" for i in range(20)]
    parts = split(images(60, centre=centres), DataRecipe(validation=0.2, group_columns=("centre",)), 0)
    assert "big" not in {image.sample.columns["centre"] for image in parts.validation}


def test_the_seed_decides_the_split() -> None:
    many, recipe = images(40), DataRecipe(validation=0.25)
    assert names(split(many, recipe, 1).validation) == names(split(many, recipe, 1).validation)
    assert names(split(many, recipe, 1).validation) != names(split(many, recipe, 2).validation)


@pytest.mark.parametrize("rule", ["centre=Z", "other=A"])
def test_holding_out_nothing_is_an_error(rule: str) -> None:
    with pytest.raises(Invalid, match="No image fits"):
        split(images(10, centre=["A"] * 10), DataRecipe(hold_out=(rule,)), 0)


def test_a_rule_without_a_value_is_an_error() -> None:
    with pytest.raises(Invalid, match="column=value"):
        split(images(10), DataRecipe(hold_out=("centre",)), 0)


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(Invalid, match="cannot be split"):
        split(images(10, centre=["A"] * 10), DataRecipe(group_columns=("centre",)), 0)


def test_training_sees_the_pixels_that_serving_sees(frames: Path) -> None:
    parts = load([frames], tiny())
    for image in (*parts.train, *parts.validation):
        assert np.array_equal(image.pixels, fit(decode(image.sample.image.read_bytes()), tiny().input))
        assert image.masks.any() == (int(image.sample.image.stem) % 6 != 0)


def test_a_folder_without_masks_counts_as_empty_where_the_recipe_says_so(frames: Path, tmp_path: Path) -> None:
    plain = ellipses(tmp_path / "plain", 12)
    for mask in (plain / "masks").iterdir():
        mask.unlink()
    (plain / "masks").rmdir()
    with pytest.raises(Invalid, match="no folder called masks"):
        load([frames, plain], tiny())
    parts = load([frames, plain], tiny(data={"unlabelled": {"plain": 8}}))
    added = [image for image in (*parts.train, *parts.validation) if image.sample.folder == "plain"]
    assert len(added) == 8
    assert len(parts.spare) == 4
    assert not {sample.name for sample in parts.spare} & names(added)
    assert not any(image.masks.any() for image in added)


def test_batches_start_again_anywhere(frames: Path) -> None:
    recipe = tiny()
    parts = load([frames], recipe)
    batches = Batches(parts.train, recipe.input, recipe.augment, 4, seed=9)
    whole = list(batches.epoch(2, (32, 32)))
    rest = list(batches.epoch(2, (32, 32), start=2))
    assert len(whole) == len(batches) == len(rest) + 2
    for one, two in zip(whole[2:], rest, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    other = next(batches.epoch(3, (32, 32)))
    assert not np.array_equal(whole[0][0], other[0])


def test_batches_are_as_the_network_wants_them(frames: Path) -> None:
    parts = load([frames], tiny())
    pixels, masks, classes = next(Batches(parts.train, SPEC, AugmentRecipe(), 4, seed=0).epoch(0, (24, 16)))
    assert (pixels.shape, masks.shape, classes.shape) == ((4, 3, 24, 16), (4, 1, 24, 16), (4, 0))
    assert (pixels.dtype, masks.dtype) == (np.float32, np.float32)
    assert 0 <= pixels.min() < pixels.max() <= 1
    assert set(np.unique(masks)) <= {0.0, 1.0}
