"""The operating point, chosen on validation data alone, and the card of a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from atisbo.domain import overlap
from atisbo.domain.cards import Card, Lineage, OutputSpec, TensorSpec
from atisbo.domain.overlap import Counts
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Mask, Sample, read_mask
from atisbo.imaging.masks import segment
from atisbo.imaging.transform import transform
from atisbo.training.export import sigmoid
from atisbo.training.recipe import Recipe

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(6, 19))
MIN_AREAS = (0.0, 0.05, 0.1, 0.2, 0.3)
"""Percent of the image. It ends where real objects begin, even if validation would have it larger."""

Answer = tuple[NDArray[np.float32], Mask]
"""Probabilities (1, h, w) at the network's size, and the true mask at the image's."""


@torch.no_grad()
def answers(network: nn.Module, samples: Sequence[Sample], spec: TensorSpec) -> list[Answer]:
    """What a network says of each sample, beside what is true."""
    pairs = []
    for sample in samples:
        pixels = decode(sample.image.read_bytes())
        logits = network(torch.from_numpy(transform(pixels, spec))).float().numpy()[0]
        pairs.append((sigmoid(logits), read_mask(sample, (pixels.shape[0], pixels.shape[1]))))
    return pairs


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
    """The threshold, then the smallest area, with the best mean Dice on ``pairs``."""
    for field, values in (("threshold", THRESHOLDS), ("min_area_percent", MIN_AREAS)):
        choices = [output.model_copy(update={field: value}) for value in values]
        output = max(choices, key=lambda choice: mean_dice(pairs, choice))
    return output


def make_card(recipe: Recipe, notes: dict[str, Any], sha256: str, output: OutputSpec) -> Card:
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
        task="segmentation",
        sha256=sha256,
        input=recipe.input,
        output=output,
        lineage=lineage,
        intended_use=recipe.intended_use,
        limits=recipe.limits,
        licence=recipe.licence,
    )
