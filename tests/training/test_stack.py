"""The layer that adds to a class what ratios of its outlines say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from atisbo.training import networks, story
from atisbo.training.crossval import crossval, read_out_of_fold
from atisbo.training.data import read
from atisbo.training.networks import ratios
from atisbo.training.split import Split
from atisbo.training.stack import fit, stack
from tests.training.shapes import shapes, tiny_classes

QUIET = Console(quiet=True)


def test_ratios_are_those_of_the_outlines() -> None:
    shares = torch.zeros(1, 2, 100, 100)
    shares[0, 0, 10:90, 20:80] = 1
    shares[0, 1, 30:70, 40:60] = 1
    found = ratios(shares, [(1, 0, "height"), (1, 0, "width"), (1, 0, "area")])
    torch.testing.assert_close(found, torch.tensor([[0.4 / 0.81, 0.2 / 0.61, 0.08 / 0.49]]))


def test_weights_are_those_of_a_logistic_regression() -> None:
    random = np.random.default_rng(0)
    truth = random.random(400) < 0.4
    logits, values = truth + random.normal(0, 1, 400), (truth + random.normal(0, 1.5, (2, 400))).T
    weights, constant = fit(logits, values, truth)
    other = LogisticRegression(C=1e3).fit(np.column_stack([logits, values]), truth)
    np.testing.assert_allclose(weights, other.coef_[0, 1:] / other.coef_[0, 0], rtol=1e-2)
    np.testing.assert_allclose(constant, other.intercept_[0] / other.coef_[0, 0], rtol=1e-2)


def test_a_run_gets_the_layer_its_folds_ask_for(tmp_path: Path) -> None:
    recipe = tiny_classes(data={"validation": 0.0}, train={"epochs": 1})
    images, _ = read([shapes(tmp_path / "shapes")], recipe)
    crossval(recipe, images, 2, tmp_path / "cv", weights=None, command="", console=QUIET)
    story.train(recipe, Split(images, [], []), tmp_path / "run", weights=None, command="", console=QUIET)
    before, _, _ = story.trained(tmp_path / "run")
    rows = read_out_of_fold(stack(recipe, images, tmp_path / "cv", tmp_path / "run"), recipe.output.labels)
    after, _, _ = story.trained(tmp_path / "run")
    assert rows["logits"].shape == (24, 2)
    assert rows["label"].sum() == 8
    assert sorted(rows["name"]) == sorted(image.sample.name for image in images)
    picture = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        one, two = before(picture), after(picture)
    torch.testing.assert_close(one[networks.STRUCTURES], two[networks.STRUCTURES])
    assert one[networks.LOGITS][0, 0] == two[networks.LOGITS][0, 0]
    assert one[networks.LOGITS][0, 1] != two[networks.LOGITS][0, 1]
