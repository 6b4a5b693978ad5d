"""Classification from labelled pictures to a network with named answers and its card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from atisbo.cli.train import calibrated
from atisbo.domain.cards import Card
from atisbo.errors import Invalid
from atisbo.training import networks, story
from atisbo.training.data import Batches, chances
from atisbo.training.export import check, export, onnx_runtime
from atisbo.training.loop import Run
from atisbo.training.objective import Objective, Truth
from atisbo.training.split import Split, load
from tests.training.shapes import shapes, tiny_classes

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes(tmp_path_factory.mktemp("data") / "shapes")


@pytest.fixture(scope="module")
def split(pictures: Path) -> Split:
    return load([pictures], tiny_classes())


def run(recipe_changes: dict[str, object], split: Split, folder: Path, stop: Callable[[], bool] = lambda: False) -> Run:
    return Run(tiny_classes(train=recipe_changes), split, "hash", folder, console=QUIET, after_step=stop)


def test_every_class_is_on_both_sides(split: Split) -> None:
    assert {image.label for image in split.validation} == {image.label for image in split.train} == {0, 1}
    assert len(split.validation) == 6
    assert split.train[0].masks.shape == (32, 32, 2)
    assert (split.train[0].masks[..., 1] <= split.train[0].masks[..., 0]).all()


def test_an_unknown_class_is_named(pictures: Path) -> None:
    recipe = tiny_classes(output={"labels": ["small", "huge"], "positive": "huge"})
    with pytest.raises(Invalid, match=r"shapes/3.png is of class large, but the recipe's labels are small, huge"):
        load([pictures], recipe)


def test_it_ends_in_named_answers_and_a_calibrated_card(split: Split, tmp_path: Path) -> None:
    recipe = tiny_classes(train={"epochs": 12})
    assert story.train(recipe, split, tmp_path, weights=None, command="", console=QUIET)
    card = story.publish(tmp_path, split, calibrated, console=QUIET)
    assert card == Card.read(tmp_path / "card.json")
    assert (card.task, card.output.scores, card.output.embedding) == ("classification", "logits", "embedding")
    assert card.structures is not None
    assert card.structures.output.labels == ("disc", "cup")
    assert card.structures.ratios[0].numerator == "cup"
    found = onnx_runtime(tmp_path / "model.onnx")(np.zeros((2, 3, 32, 32), np.float32))
    shapes_found = {name: value.shape for name, value in found.items()}
    assert shapes_found == {"logits": (2, 2), "embedding": (2, 16), "structures": (2, 2, 32, 32)}
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert set(curves["validation"]) == {"loss", "accuracy", "dice", "balanced_accuracy", "auc"}
    assert curves["train"]["loss"][-1] < 0.8 * curves["train"]["loss"][0]
    sides = json.loads((tmp_path / "split.json").read_text())
    assert sorted(sides["train"] + sides["validation"]) == sorted(f"shapes/{i}.png" for i in range(1, 25))


@pytest.mark.parametrize("steps", [3, 4])
def test_stopped_and_resumed_is_as_if_never_stopped(split: Split, tmp_path: Path, steps: int) -> None:
    numbers = iter(range(1, 100))
    whole = run({"epochs": 2}, split, tmp_path / "whole")
    assert whole.go()
    assert not run({"epochs": 2}, split, tmp_path / "parts", lambda: next(numbers) == steps).go()
    torch.manual_seed(99)
    rest = run({"epochs": 2}, split, tmp_path / "parts")
    assert rest.go(resume=True)
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, rest.average.state_dict()[name]), name
    assert whole.at == rest.at


def test_without_validation_the_last_epoch_counts(pictures: Path, tmp_path: Path) -> None:
    recipe = tiny_classes(data={"validation": 0.0}, train={"epochs": 2})
    everything = load([pictures], recipe)
    assert (len(everything.train), len(everything.validation)) == (24, 0)
    assert story.train(recipe, everything, tmp_path, weights=None, command="", console=QUIET)
    card = story.publish(tmp_path, everything, calibrated, console=QUIET)
    assert (card.lineage.epochs, card.output.temperature) == (2, 1.0)


def test_rare_classes_are_drawn_as_often(split: Split) -> None:
    recipe = tiny_classes(data={"balance": ["label", "source"]})
    found = chances(split.train, recipe.data)
    labels = np.array([image.label for image in split.train])
    assert found[labels == 1].sum() == pytest.approx(0.5)
    batches = Batches(split.train, recipe.input, recipe.augment, 4, 0, recipe.data, 2)
    drawn = labels[batches.order(0)]
    assert len(drawn) == len(labels)
    assert abs(int(drawn.sum()) * 2 - len(drawn)) <= 2


def test_parts_of_a_batch_together_are_the_batch(split: Split) -> None:
    recipe = tiny_classes()
    whole, *parts = (
        next(Batches(split.train, recipe.input, recipe.augment, 4, 0, recipe.data, 2, share).epoch(1, (32, 32)))
        for share in ((0, 1), (0, 2), (1, 2))
    )
    for index, part in enumerate(parts):
        assert np.array_equal(whole.pixels[index::2], part.pixels)
        assert np.array_equal(whole.classes[index::2], part.classes)
    assert np.allclose(whole.classes.sum(1), 1)


def test_outlines_and_classes_add_up(split: Split) -> None:
    recipe = tiny_classes()
    network = networks.build(recipe).eval()
    objective = Objective(recipe, split.train, torch.device("cpu"))
    batch = next(Batches(split.train, recipe.input, recipe.augment, 4, 0, recipe.data, 2).epoch(0, (32, 32)))
    truth = Truth.of(batch, torch.device("cpu"))
    found = network(torch.from_numpy(batch.pixels))
    both = objective.loss(found, truth)
    heavier = tiny_classes(structures={"weight": 2.0})
    assert Objective(heavier, split.train, torch.device("cpu")).loss(found, truth) > both
    assert set(objective.rows(found, truth)) == {"accuracy", "dice", "logits", "label"}


@pytest.mark.parametrize(
    "network",
    [
        {"kind": "vgg19", "embedding": 0},
        {"kind": "artcnn", "hidden": [8, 8], "standardise": True},
        {"kind": "mobilenetv2"},
        {"kind": "resnet50v2", "pooled_levels": 2},
        {"kind": "squeezenet1_1"},
    ],
    ids=lambda network: str(network["kind"]),
)
def test_every_classifier_answers_and_can_be_exported(network: dict[str, object], tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = tiny_classes(network={"embedding": 16, **network}, structures=None)
    built = networks.build(recipe).eval()
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        found = built(pixels)
    export(built, (64, 64), tmp_path / "model.onnx")
    assert all(set(said) == set(found) for said in check(built, tmp_path / "model.onnx", [pixels.numpy()]).values())
    assert found["logits"].shape == (2, 2)
    assert found["embedding"].shape == (2, 512 if network["kind"] == "vgg19" else 16)


def test_calibration_is_as_the_recipe_says() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    logits = np.stack([np.zeros(200), 9 * (truth - 0.5) + random.normal(0, 6, 200)], 1)
    recipe = tiny_classes(calibration={"answered_accuracy": 0.95, "threshold": "youden"})
    output = calibrated(recipe, logits, truth)
    assert output.temperature > 1
    assert output.unsure_above is not None
    plain = tiny_classes(calibration={"temperature": False, "threshold": "half"})
    assert calibrated(plain, logits, truth) == plain.output
