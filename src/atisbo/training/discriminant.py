"""A class head in closed form on a frozen encoder: linear discriminants that do not lean on single sources.

Few sources stand behind each class, and a head trained by steps learns to recognise them. Here every source counts
alike, and directions in which sources of one class differ from one another are penalised like the spread of pictures
within a source (Hatch et al. 2006, within-class covariance normalisation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

from atisbo.errors import Misconfigured
from atisbo.imaging.transform import normalise
from atisbo.training.augment import augment
from atisbo.training.data import Cached, value
from atisbo.training.networks import EncoderNetwork, Network
from atisbo.training.recipe import Recipe
from atisbo.training.sections import DiscriminantRecipe

Values = NDArray[np.float64]
FEW = 60
"""A source with more pictures than this counts as so many in the common spread."""


@dataclass(frozen=True)
class Head:
    """Features to embedding to classes: e = ((x − mean) / spread − middle) · axes, logits = e · classes + bias."""

    mean: Values
    spread: Values
    middle: Values
    """(features,), between the centres of the classes, standardised: there the embedding is 0."""
    axes: Values
    """(features, d)"""
    classes: Values
    """(d, classes)"""
    bias: Values


def find_head(
    features: Values, labels: NDArray[np.int64], origins: NDArray[np.str_], recipe: DiscriminantRecipe, width: int
) -> Head:
    """Discriminants of the classes, then the principal axes of all pictures, in an embedding of ``width`` values.

    Args:
        features: (n, d), averaged over each picture.
        labels: (n,), numbers of the classes.
        origins: (n,), the source of each.
    """
    mean, spread = features.mean(0), features.std(0) + 1e-5
    x = (features - mean) / spread
    within, between, centres = _scatter(x, labels, origins)
    common = within + recipe.between * between + recipe.ridge * np.eye(x.shape[1])
    middle = centres.mean(0)
    apart = (centres - middle).T
    values, vectors = np.linalg.eigh(common)
    whiten = vectors / np.sqrt(values)
    basis, _ = np.linalg.qr((whiten.T @ apart)[:, : len(centres) - 1])
    discriminants = whiten @ basis
    axes = np.concatenate([discriminants, recipe.looks * _principal(x, width - basis.shape[1])], 1)
    classes = np.zeros((axes.shape[1], len(centres)))
    classes[: basis.shape[1]] = basis.T @ (whiten.T @ apart)
    solved = np.linalg.solve(common, apart)
    return Head(mean, spread, middle, axes, classes, -0.5 * (apart * solved).sum(0))


def embedded(head: Head, features: Values) -> Values:
    """Features (n, d) in the embedding's space."""
    return np.asarray(((features - head.mean) / head.spread - head.middle) @ head.axes, np.float64)


def _scatter(x: Values, labels: NDArray[np.int64], origins: NDArray[np.str_]) -> tuple[Values, Values, Values]:
    """Spread within sources, spread of a class's sources around their centre, and the centres of the classes."""
    size = x.shape[1]
    within, between = np.zeros((size, size)), np.zeros((size, size))
    total, centres = 0.0, []
    numbers = np.unique(labels)
    for number in numbers:
        parts = [x[(labels == number) & (origins == name)] for name in np.unique(origins[labels == number])]
        for part in parts:
            weight = min(1.0, FEW / len(part))
            spread = part - part.mean(0)
            within += weight * spread.T @ spread
            total += weight * len(part)
        means, weights = np.array([part.mean(0) for part in parts]), np.sqrt([len(part) for part in parts])
        weights /= weights.sum()
        centres.append(weights @ means)
        away = means - centres[-1]
        between += (away.T * weights) @ away / len(numbers)
    return within / total, between, np.array(centres)


def _principal(x: Values, count: int) -> Values:
    """The first axes of all pictures, (d, count), scaled so that positions along them have a mean variance of 1."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    chosen = vectors[:, ::-1][:, :count]
    return np.asarray(chosen / np.sqrt(values[::-1][:count].mean()), np.float64)


def solve(network: Network, images: Sequence[Cached], recipe: Recipe) -> dict[str, float]:
    """Give a network with a frozen, pretrained encoder its class head.

    Returns:
        Loss and accuracy on the images themselves.

    Raises:
        Misconfigured: a class has no images.
    """
    chosen = recipe.discriminant
    assert chosen is not None
    labels = np.array([image.label for image in images], np.int64)
    if len(np.unique(labels)) != len(recipe.output.labels):
        raise Misconfigured("recipe_classes", "discriminant: every class needs images.")
    origins = np.array([value(image, chosen.source) for image in images])
    rounds = [averaged(network, images, recipe, variant) for variant in range(chosen.variants + 1)]
    count, width = len(rounds), recipe.network.embedding
    head = find_head(np.concatenate(rounds), np.tile(labels, count), np.tile(origins, count), chosen, width)
    _pour(head, network)
    logits = torch.from_numpy(embedded(head, rounds[0]) @ head.classes + head.bias)
    truth = torch.from_numpy(labels)
    right = (logits.argmax(1) == truth).double().mean()
    return {"loss": F.cross_entropy(logits, truth).item(), "accuracy": right.item()}


@torch.no_grad()
def _pour(head: Head, network: Network) -> None:
    assert isinstance(network, EncoderNetwork)
    assert network.classifier is not None
    standard, embedding, classes = network.classifier.standard, network.classifier.embedding, network.classifier.classes
    assert isinstance(standard, nn.BatchNorm1d)
    assert standard.running_mean is not None
    assert standard.running_var is not None
    assert embedding is not None
    standard.running_mean.copy_(torch.from_numpy(head.mean))
    standard.running_var.copy_(torch.from_numpy(head.spread**2 - standard.eps).clamp(min=0))
    embedding.weight.copy_(torch.from_numpy(head.axes.T))
    embedding.bias.copy_(torch.from_numpy(-head.middle @ head.axes))
    classes.weight.copy_(torch.from_numpy(head.classes.T))
    classes.bias.copy_(torch.from_numpy(head.bias))


@torch.no_grad()
def averaged(network: Network, images: Sequence[Cached], recipe: Recipe, variant: int = 0) -> Values:
    """What the class head reads of every picture, (n, d): variant 0 is the picture itself, others are augmented.

    A picture's variants depend on its name, not on which others are there: every fold sees the same ones.
    """
    network.eval()
    device = next(network.parameters()).device
    found = []
    for start in range(0, len(images), recipe.train.batch_size):
        batch = []
        for image in images[start : start + recipe.train.batch_size]:
            pixels = image.pixels
            if variant:
                rng = np.random.default_rng((recipe.seed, variant, crc32(image.sample.name.encode())))
                pixels, _ = augment(pixels, image.masks, recipe.input.size, recipe.augment, rng)
            batch.append(pixels)
        x = torch.from_numpy(normalise(np.stack(batch), recipe.input)).to(device)
        levels = network.features(x)[-recipe.network.pooled_levels :]
        found.append(torch.cat([level.mean((2, 3)) for level in levels], 1).double().cpu().numpy())
    return np.concatenate(found)
