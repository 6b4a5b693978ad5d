"""What a class owes to the ratios of its outlines, learned on out-of-fold answers.

On its own training images a classifier is nearly sure from averaged features alone, so it never learns how far the
ratios would have helped with images it has not seen. Out-of-fold answers show that: a logistic regression on the
answer and the ratios (Wolpert 1992, stacked generalization) goes into the network as one more layer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from atisbo.training import checkpoint, networks
from atisbo.training.crossval import OUT_OF_FOLD, read_out_of_fold
from atisbo.training.data import Cached, plain
from atisbo.training.recipe import Recipe
from atisbo.training.story import trained

STACKED = "stacked.npz"
Floats = NDArray[np.float64]


@torch.no_grad()
def unseen(recipe: Recipe, images: Sequence[Cached], crossed: Path) -> dict[str, tuple[Floats, Floats]]:
    """What every fold's best network says of the images it was not trained on.

    Returns:
        By the image's name: logits (classes,) and ratios (r,).
    """
    assert recipe.structures
    named = {image.sample.name: image for image in images}
    said: dict[str, tuple[Floats, Floats]] = {}
    for folder in sorted(crossed.glob("fold*/")):
        network = networks.build(recipe).eval()
        network.load_state_dict(load_file(folder / checkpoint.WEIGHTS), strict=False)
        own = [named[name] for name in json.loads((folder / "split.json").read_text("utf-8"))["validation"]]
        for image in own:
            found = network(torch.from_numpy(next(plain([image], recipe.input, 1, len(recipe.output.labels))).pixels))
            ratio = networks.ratios(found[networks.STRUCTURES].sigmoid(), recipe.structures.places)
            said[image.sample.name] = (found[networks.LOGITS].double().numpy()[0], ratio.double().numpy()[0])
    return said


def fit(logits: Floats, ratios: Floats, truth: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights (r,) and a constant that make of ``logits`` (n,) the logit of being right, up to its temperature."""
    x = np.column_stack([logits, ratios, np.ones(len(logits))])
    w = np.zeros(x.shape[1])
    penalty = np.full(len(w), 1e-3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        w += np.linalg.solve((x.T * (p * (1 - p))) @ x + np.diag(penalty), x.T @ (truth - p) - penalty * w)
    return w[1:-1] / w[0], float(w[-1] / w[0])


def stack(recipe: Recipe, images: Sequence[Cached], crossed: Path, run: Path) -> Path:
    """Give a run's best weights the layer that its cross-validation asks for; two classes.

    Returns:
        The stacked out-of-fold answers, for calibration. Each fold's were stacked by what the others say.

    Raises:
        Misconfigured: the cross-validation is not complete, or of other classes.
    """
    labels = recipe.output.labels
    rows = read_out_of_fold(crossed / OUT_OF_FOLD, labels)
    positive = labels.index(recipe.output.positive or labels[-1])
    said = unseen(recipe, images, crossed)
    logits, ratios = (np.stack(column) for column in zip(*(said[name] for name in rows["name"]), strict=True))
    truth, margin = rows["label"] == positive, logits[:, positive] - logits[:, 1 - positive]
    stacked = logits.copy()
    for fold in np.unique(rows["fold"]):
        own = rows["fold"] == fold
        weights, constant = fit(margin[~own], ratios[~own], truth[~own])
        stacked[own, positive] += ratios[own] @ weights + constant
    np.savez_compressed(crossed / STACKED, allow_pickle=False, labels=np.array(labels), **(rows | {"logits": stacked}))
    weights, constant = fit(margin, ratios, truth)
    network, _, notes = trained(run)
    layer = network.get_submodule("classifier.stacked")
    assert isinstance(layer, torch.nn.Linear)
    with torch.no_grad():
        layer.weight[positive] = torch.from_numpy(weights)
        layer.bias[positive] = constant
    checkpoint.save_weights(run, network.state_dict(), notes)
    return crossed / STACKED
