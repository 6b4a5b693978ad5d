"""The operating point, chosen on validation data alone, and the card of a trained network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from atisbo.domain import overlap
from atisbo.domain.cards import Card, Gate, Lineage, OutputSpec, Structures
from atisbo.domain.overlap import Counts
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Mask, Sample, read_mask
from atisbo.imaging.masks import segment
from atisbo.imaging.transform import transform
from atisbo.training.data import Cached, plain
from atisbo.training.export import sigmoid
from atisbo.training.networks import EMBEDDING, LOGITS, STRUCTURES, Network
from atisbo.training.recipe import Recipe

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(6, 20))
EDGES = (None, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
MIN_AREAS = (0.0, 0.05, 0.1, 0.2, 0.3)
"""Percent of the image. It ends where real objects begin, even if validation would have it larger."""

Answer = tuple[NDArray[np.float32], Mask]
"""Probabilities (1, h, w) at the network's size, and the true mask at the image's."""
Calibrate = Callable[[Recipe, NDArray[np.float64], NDArray[np.int64]], OutputSpec]
"""From logits (n, classes) and right classes (n,), or logits (n, 1) of pixels and whether each shows the object, to the
recipe's output with whatever can be chosen on them: temperature, threshold, limit of uncertainty."""
PIXELS = 2000
"""Of every validation image so many, at random, show how probable an object is at which answer."""


@torch.no_grad()
def answers(network: Network, samples: Sequence[Sample], recipe: Recipe, temperature: float = 1.0) -> list[Answer]:
    """What a network outlines on each sample, beside what is true: one pair for every mask."""
    names: tuple[str | None, ...] = recipe.structures.labels if recipe.structures else (None,)
    pairs = []
    for sample in samples:
        pixels = decode(sample.image.read_bytes())
        found = network(torch.from_numpy(transform(pixels, recipe.input)))
        maps = sigmoid(found[STRUCTURES if recipe.structures else LOGITS].float().numpy()[0] / temperature)
        for channel, name in zip(maps, names, strict=True):
            pairs.append((channel[np.newaxis], read_mask(sample, (pixels.shape[0], pixels.shape[1]), name)))
    return pairs


@torch.no_grad()
def class_logits(
    network: Network, images: Sequence[Cached], recipe: Recipe
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What a network says of each image, (n, classes) raw in float32, and its right class, (n,)."""
    batches = plain(images, recipe.input, recipe.train.batch_size)
    found = [network(torch.from_numpy(batch.pixels))[LOGITS].double().numpy() for batch in batches]
    return np.concatenate(found), np.array([image.label for image in images], np.int64)


@torch.no_grad()
def pixel_logits(
    network: Network, images: Sequence[Cached], recipe: Recipe
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What a network says of some pixels of each image, (n, 1) raw, and whether they show the object, (n,) 0 or 1."""
    rng = np.random.default_rng(recipe.seed)
    found = []
    for batch in plain(images, recipe.input, recipe.train.batch_size):
        logits = network(torch.from_numpy(batch.pixels))[LOGITS].double().numpy().reshape(len(batch.pixels), -1)
        places = rng.integers(0, logits.shape[1], (len(logits), PIXELS))
        truth = batch.masks.reshape(len(logits), -1)
        found.append((np.take_along_axis(logits, places, 1), np.take_along_axis(truth, places, 1)))
    raw, shows = (np.concatenate(part).ravel() for part in zip(*found, strict=True))
    return raw[:, np.newaxis], shows.astype(np.int64)


def mean_dice(pairs: Sequence[Answer], output: OutputSpec) -> float:
    """Mean Dice per image with serving's own road from probabilities to a mask."""
    total = 0.0
    for scores, truth in pairs:
        mask = segment(scores, (truth.shape[0], truth.shape[1]), output).mask > 0
        shared, either = int((mask & truth).sum()), int((mask | truth).sum())
        fp, fn = int(mask.sum()) - shared, int(truth.sum()) - shared
        total += overlap.dice(Counts(shared, fp, fn, truth.size - either))
    return total / len(pairs)


def choose_output(pairs: Sequence[Answer], output: OutputSpec) -> OutputSpec:
    """Threshold and edge, then the smallest area, with the best mean Dice on ``pairs``.

    A polyp is there where some pixel is quite sure; how far it goes is another question, with another answer.
    """
    cuts = [{"threshold": high, "edge": low} for high in THRESHOLDS for low in EDGES if low is None or low < high]
    for changes in (cuts, [{"min_area_percent": area} for area in MIN_AREAS]):
        choices = [output.model_copy(update=change) for change in changes]
        output = max(choices, key=lambda choice: mean_dice(pairs, choice))
    return output


def operating_points(
    network: Network, recipe: Recipe, validation: Sequence[Cached], calibrate: Calibrate
) -> tuple[OutputSpec, Structures | None]:
    """What the answers mean, with whatever can be chosen on validation images; the recipe's where there are none."""
    output, samples = recipe.output, [image.sample for image in validation]
    if recipe.task == "segmentation":
        if samples:
            output = calibrate(recipe, *pixel_logits(network, validation, recipe))
            output = choose_output(answers(network, samples, recipe, output.temperature), output)
        return output.model_copy(update={"embedding": EMBEDDING if network.alike else None}), None
    output = output.model_copy(update={"scores": LOGITS, "embedding": EMBEDDING})
    if samples:
        chosen = calibrate(recipe, *class_logits(network, validation, recipe))
        output = chosen.model_copy(update={"scores": LOGITS, "embedding": EMBEDDING})
    if recipe.structures is None:
        return output, None
    outlined = OutputSpec(labels=recipe.structures.labels[:1], activation="sigmoid", scores=STRUCTURES)
    if samples:
        outlined = choose_output(answers(network, samples, recipe), outlined)
    outlined = outlined.model_copy(update={"labels": recipe.structures.labels})
    return output, Structures(output=outlined, ratios=recipe.structures.ratios)


def make_card(
    recipe: Recipe,
    notes: dict[str, Any],
    sha256: str,
    output: OutputSpec,
    structures: Structures | None = None,
    gate: Gate | None = None,
) -> Card:
    """The card of an exported network, its quality still to be measured.

    Args:
        notes: what :class:`~atisbo.training.loop.Run` stored with the weights.
    """
    lineage = Lineage(
        recipe=recipe.model_dump(mode="json"),
        seed=recipe.seed,
        data=notes.get("data", ""),
        data_sha256=notes["data_sha256"],
        encoder=recipe.network.encoder_weights,
        trained_on=date.fromisoformat(notes["trained_on"]) if "trained_on" in notes else None,
        command=notes.get("command", ""),
        epochs=notes["epoch"],
    )
    return Card(
        name=recipe.name,
        task=recipe.task,
        sha256=sha256,
        input=recipe.input,
        output=output,
        gate=gate,
        structures=structures,
        lineage=lineage,
        intended_use=recipe.intended_use,
        limits=recipe.limits,
        licence=recipe.licence,
    )
