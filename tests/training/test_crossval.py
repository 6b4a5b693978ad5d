from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from atisbo.cli.crossval import out_of_fold
from atisbo.errors import Invalid, Misconfigured
from atisbo.training.crossval import crossval, mean_curves, read_out_of_fold
from atisbo.training.data import Cached, read
from atisbo.training.recipe import Recipe
from atisbo.training.sections import DataRecipe
from atisbo.training.split import folds
from tests.training.ellipses import tiny
from tests.training.shapes import shapes, tiny_classes
from tests.training.test_data import images, names

QUIET = Console(quiet=True)
RECIPE = tiny_classes(
    train={"epochs": 2, "watch": "auc"}, structures=None, augment={"mixup": 0}, data={"strata": ["source"]}
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Cached]:
    return read([shapes(tmp_path_factory.mktemp("data") / "shapes")], RECIPE)[0]


def labelled(labels: list[int], **columns: list[str]) -> list[Cached]:
    plain = images(len(labels), **columns)
    return [
        dataclasses.replace(image, label=label, sample=dataclasses.replace(image.sample, label=str(label)))
        for image, label in zip(plain, labels, strict=True)
    ]


def test_every_image_is_validated_once_and_strata_are_even() -> None:
    many = labelled([i % 2 for i in range(60)], release=[f"r{i % 3}" for i in range(60)])
    parts = folds(many, DataRecipe(strata=("release",)), 5, 0)
    assert sorted(name for part in parts for name in names(part.validation)) == sorted(names(many))
    for part in parts:
        assert not names(part.train) & names(part.validation)
        assert sum(image.label for image in part.validation) == 6
        assert {image.sample.columns["release"] for image in part.validation} == {"r0", "r1", "r2"}


def test_groups_stay_together_and_nothing_held_out_is_used() -> None:
    many = labelled([i % 2 for i in range(40)], patient=[f"{i // 4}" for i in range(40)], centre=["A"] * 36 + ["B"] * 4)
    parts = folds(many, DataRecipe(group_columns=("patient",), hold_out=("centre=B",)), 3, 1)
    for part in parts:
        sides = [{image.sample.columns["patient"] for image in side} for side in (part.train, part.validation)]
        assert not sides[0] & sides[1]
        assert len(part.held_out) == 4
        assert "9" not in sides[0] | sides[1]


def test_left_out_sources_leave_every_class_another_one() -> None:
    source = [name for name, count in zip("abcdefg", (9, 5, 4, 8, 8, 3, 6), strict=True) for _ in range(count)]
    label = [{"a": 0, "b": 0, "c": 0, "d": 1, "e": 1, "f": 1, "g": 2}[name] for name in source]
    many = labelled(label, source=source)
    parts = folds(many, DataRecipe(leave_out="source"), 3, 0)
    for part in parts:
        sides = [{image.sample.columns["source"] for image in side} for side in (part.train, part.validation)]
        assert not sides[0] & sides[1]
        assert {image.label for image in part.train} == {0, 1, 2}
        assert "g" in sides[0], "the only source of its class is always trained on"
    validated = [name for part in parts for name in names(part.validation)]
    assert len(validated) == len(set(validated)) == 43 - 6


def test_the_seed_decides_the_folds() -> None:
    many = labelled([i % 2 for i in range(30)])
    sides = [[names(part.validation) for part in folds(many, DataRecipe(), 3, seed)] for seed in (1, 1, 2)]
    assert sides[0] == sides[1] != sides[2]


def test_a_share_is_of_every_stratum_and_lies_within_the_larger() -> None:
    many = labelled([i % 2 for i in range(80)], patient=[f"{i // 8}{i % 2}" for i in range(80)])
    whole, half, quarter = (
        folds(many, DataRecipe(group_columns=("patient",), share=share), 4, 3) for share in (1.0, 0.5, 0.25)
    )
    for all_of, some, few in zip(whole, half, quarter, strict=True):
        assert names(few.train) < names(some.train) < names(all_of.train)
        assert names(few.validation) == names(all_of.validation)
        for label in (0, 1):
            learnt = [sum(image.label == label for image in part.train) for part in (few, some, all_of)]
            assert learnt[:2] == [round(learnt[2] / 4), round(learnt[2] / 2)]
        patients = [image.sample.columns["patient"] for image in few.train]
        broken = [one for one in set(patients) if patients.count(one) < 4]
        assert len(broken) <= 2, "at most the last group of a stratum is broken"


def test_one_group_makes_no_folds() -> None:
    with pytest.raises(Invalid, match="belong together"):
        folds(labelled([0, 1] * 5, patient=["x"] * 10), DataRecipe(group_columns=("patient",)), 3, 0)


def cross(pictures: list[Cached], out: Path, recipe: Recipe = RECIPE, k: int = 3) -> object:
    return crossval(recipe, pictures, k, out, weights=None, command="", console=QUIET)


def test_folds_end_in_a_chosen_epoch_and_answers_out_of_fold(pictures: list[Cached], tmp_path: Path) -> None:
    crossed = crossval(RECIPE, pictures, 3, tmp_path, weights=None, command="", console=QUIET)
    assert crossed is not None
    mean = crossed.curves["mean"]["validation"]["auc"]
    assert crossed.epoch == int(np.argmax(mean)) + 1
    assert mean[0] == pytest.approx(np.mean([crossed.curves[fold]["validation"]["auc"][0] for fold in "123"]), abs=1e-4)
    rows = read_out_of_fold(tmp_path / "out_of_fold.npz", RECIPE.output.labels)
    assert (rows["logits"].shape, rows["label"].tolist()) == ((24, 2), crossed.rows["label"].tolist())
    assert sorted(crossed.rows["name"]) == sorted(image.sample.name for image in pictures)
    figures = out_of_fold(RECIPE, crossed.rows)
    assert {"accuracy", "auc", "ece"} <= set(figures)
    assert figures["auc"].low <= figures["auc"].value <= figures["auc"].high
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_done_is_not_done_again(
    pictures: list[Cached], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = crossval(RECIPE, pictures, 2, tmp_path, weights=None, command="", console=QUIET)
    monkeypatch.setattr("atisbo.training.story.train", None)
    again = crossval(RECIPE, pictures, 2, tmp_path, weights=None, command="", console=QUIET)
    assert first is not None
    assert again is not None
    assert np.array_equal(first.rows["logits"], again.rows["logits"])
    with pytest.raises(Misconfigured, match="another recipe, other data or another -k"):
        cross(pictures, tmp_path, k=3)


def test_outlines_are_crossed_too(frames: Path, tmp_path: Path) -> None:
    recipe = tiny(train={"epochs": 1})
    crossed = crossval(recipe, read([frames], recipe)[0], 2, tmp_path, weights=None, command="", console=QUIET)
    assert crossed is not None
    assert len(crossed.rows["dice"]) == 24
    assert set(out_of_fold(recipe, crossed.rows)) == {"iou", "dice", "accuracy"}
    with pytest.raises(Misconfigured, match="no answers about these classes"):
        read_out_of_fold(tmp_path / "out_of_fold.npz", ("ellipse",))


def test_the_mean_curve_is_the_mean() -> None:
    one = {"validation": {"loss": [1.0, 0.0]}}
    two = {"validation": {"loss": [3.0, 1.0]}}
    assert json.dumps(mean_curves([one, two])) == '{"validation": {"loss": [2.0, 0.5]}}'
