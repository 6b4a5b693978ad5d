"""What a class owes to the ratios of its outlines, learned on out-of-fold answers.

On its own training images a classifier is nearly sure from averaged features alone, so it never learns how far the
ratios would have helped with images it has not seen. Out-of-fold answers show that: a logistic regression on the
answer and the ratios (Wolpert 1992, stacked generalization) goes into the network as one more layer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from atisbo.training import checkpoint, networks
from atisbo.training.data import Cached, plain
from atisbo.training.recipe import Recipe
from atisbo.training.story import trained

STACKED = "stacked.npz"
Floats = NDArray[np.float64]


@torch.no_grad()
def unseen(recipe: Recipe, images: list[Cached], crossed: Path) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    """What every fold's best network says of the images it was not trained on.

    Returns:
        Logits (n, classes), ratios (n, r), right classes (n,) and folds (n,).
    """
    assert recipe.structures
    named = {image.sample.name: image for image in images}
    parts: list[tuple[Floats, Floats, NDArray[np.int64], Floats]] = []
    for number, folder in enumerate(sorted(crossed.glob("fold*/")), start=1):
        network = networks.build(recipe).eval()
        network.load_state_dict(load_file(folder / checkpoint.WEIGHTS), strict=False)
        own = [named[name] for name in json.loads((folder / "split.json").read_text("utf-8"))["validation"]]
        for batch in plain(own, recipe.input, 16, len(recipe.output.labels)):
            found = network(torch.from_numpy(batch.pixels))
            ratio = networks.ratios(found[networks.STRUCTURES].sigmoid(), recipe.structures.places)
            logits, values = found[networks.LOGITS].double().numpy(), ratio.double().numpy()
            parts.append((logits, values, batch.classes.argmax(1), np.full(len(logits), float(number))))
    logits, values, truth, folds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return logits, values, truth, folds


def fit(logits: Floats, ratios: Floats, truth: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Weights (r,) and a constant that make of ``logits`` (n,) the logit of being right, up to its temperature."""
    x = np.column_stack([logits, ratios, np.ones(len(logits))])
    w = np.zeros(x.shape[1])
    penalty = np.full(len(w), 1e-3)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        w += np.linalg.solve((x.T * (p * (1 - p))) @ x + np.diag(penalty), x.T @ (truth - p) - penalty * w)
    return w[1:-1] / w[0], float(w[-1] / w[0])


def stack(recipe: Recipe, images: list[Cached], crossed: Path, run: Path) -> Path:
    """Give a run's best weights the layer that its cross-validation asks for; two classes.

    Returns:
        The stacked out-of-fold answers, for ``--calibrate-from``. Each fold's were stacked by what the others say.
    """
    labels = recipe.output.labels
    positive = labels.index(recipe.output.positive or labels[-1])
    logits, ratios, truth, folds = unseen(recipe, images, crossed)
    margin = logits[:, positive] - logits[:, 1 - positive]
    stacked = logits.copy()
    for fold in np.unique(folds):
        own = folds == fold
        weights, constant = fit(margin[~own], ratios[~own], truth[~own] == positive)
        stacked[own, positive] += ratios[own] @ weights + constant
    np.savez_compressed(crossed / STACKED, allow_pickle=False, labels=np.array(labels), logits=stacked, label=truth)
    weights, constant = fit(margin, ratios, truth == positive)
    network, _, notes = trained(run)
    layer = network.get_submodule("classifier.stacked")
    assert isinstance(layer, torch.nn.Linear)
    with torch.no_grad():
        layer.weight[positive] = torch.from_numpy(weights)
        layer.bias[positive] = constant
    checkpoint.save_weights(run, network.state_dict(), notes)
    return crossed / STACKED
