"""The class head in closed form: it follows classes, not sources, and ends up in the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from rich.console import Console
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from atisbo.cli.train import calibrated
from atisbo.training import story
from atisbo.training.data import plain
from atisbo.training.discriminant import Head, Values, embedded, find_head
from atisbo.training.recipe import Recipe
from atisbo.training.sections import DiscriminantRecipe
from atisbo.training.split import load
from tests.training.shapes import shapes, tiny_classes

QUIET = Console(quiet=True)
SOLVED = {"network": {"standardise": True, "dropout": 0.0}, "structures": None, "train": {"epochs": 1}}


def answers(head: Head, features: Values) -> Values:
    return np.asarray(embedded(head, features) @ head.classes + head.bias, np.float64)


def clouds(
    centres: Mapping[tuple[int, str], Sequence[float]], count: int, seed: int
) -> tuple[Values, np.ndarray, np.ndarray]:
    """``count`` points around the centre of every (class, source), with spread 1."""
    random = np.random.default_rng(seed)
    points = np.concatenate([random.normal(centre, 1.0, (count, len(centre))) for centre in centres.values()])
    labels, names = zip(*centres, strict=True)
    return points, np.repeat(np.array(labels, np.int64), count), np.repeat(np.array(names), count)


def test_with_one_source_a_class_it_is_the_linear_discriminant_of_scikit_learn() -> None:
    x, labels, origins = clouds({(0, "a"): [0, 0, 0], (1, "b"): [2, 1, 0], (2, "c"): [0, 2, 1]}, 50, 1)
    head = find_head(x, labels, origins, DiscriminantRecipe(between=0, ridge=1e-9), 3)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, labels).decision_function(x)
    ours = answers(head, x)
    ours, theirs = ours - ours.mean(1, keepdims=True), theirs - theirs.mean(1, keepdims=True)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99999
    assert (ours.argmax(1) == theirs.argmax(1)).mean() > 0.99


def test_what_differs_between_sources_of_a_class_is_not_leant_on() -> None:
    seen = {(0, "a"): [0, 0], (0, "b"): [0, 6], (1, "c"): [3, 6], (1, "d"): [3, 12]}
    x, labels, origins = clouds(seen, 40, 2)
    far, truth, _ = clouds({(0, "e"): [0, 14], (1, "f"): [3, -2]}, 200, 3)
    right = [
        float(
            (
                answers(find_head(x, labels, origins, DiscriminantRecipe(between=weight), 2), far).argmax(1) == truth
            ).mean()
        )
        for weight in (0.0, 10.0)
    ]
    assert right[1] > right[0] + 0.2


def solved(**changes: object) -> Recipe:
    return tiny_classes(**SOLVED, discriminant={"variants": 1}, **changes)


def test_the_network_answers_as_the_head_does(tmp_path: Path) -> None:
    recipe = solved()
    split = load([shapes(tmp_path / "shapes", 48)], recipe)
    assert story.train(recipe, split, tmp_path / "run", weights=None, command="", console=QUIET)
    curves = json.loads((tmp_path / "run" / "curves.json").read_text())
    network, _, _ = story.trained(tmp_path / "run")
    right = []
    for batch in plain(split.train, recipe.input, 4, 2):
        with torch.no_grad():
            right += (
                network(torch.from_numpy(batch.pixels))["logits"].argmax(1).numpy() == batch.classes.argmax(1)
            ).tolist()
    assert np.mean(right) == pytest.approx(curves["train"]["accuracy"][0], abs=1e-4)
    assert curves["validation"]["accuracy"][0] > 0.7
    assert story.publish(tmp_path / "run", split, calibrated, console=QUIET).output.temperature != 1


def test_without_validation_it_is_stored_too(tmp_path: Path) -> None:
    recipe = solved(data={"validation": 0.0})
    split = load([shapes(tmp_path / "shapes", 24)], recipe)
    assert story.train(recipe, split, tmp_path / "run", weights=None, command="", console=QUIET)
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_a_recipe_that_leaves_no_room_for_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="discriminant: it needs standardise"):
        tiny_classes(discriminant={}, structures=None, train={"epochs": 1})
    with pytest.raises(ValidationError, match=r"train\.epochs"):
        tiny_classes(discriminant={}, structures=None, network={"standardise": True})
