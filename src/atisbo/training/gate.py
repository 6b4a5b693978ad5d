"""The head that tells pictures of other kinds apart: one linear layer on a trained network that stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from atisbo.domain.cards import Gate, TensorSpec
from atisbo.errors import Misconfigured
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import read_folders
from atisbo.imaging.transform import Pixels, fit, normalise
from atisbo.training.augment import augment
from atisbo.training.loss import balanced_weights
from atisbo.training.networks import KINDS, Network, look
from atisbo.training.sections import AugmentRecipe, GateRecipe

OTHER = "other"
"""The kind of drawn pages, flat colours, gradients and noise."""
ASIDE = 4
"""Of so many pictures one is kept aside, to find the threshold on."""

OWN_VARIED = AugmentRecipe(zoom=(1.0, 1.3), shift=0.05, brightness=0.2, contrast=0.2, jpeg=0.3, coarse=0.2)
FOREIGN_VARIED = AugmentRecipe(
    zoom=(0.9, 1.8),
    crop=True,
    margin="reflect",
    brightness=0.3,
    contrast=0.3,
    saturation=0.5,
    grey=0.15,
    jpeg=0.3,
    coarse=0.3,
)

T = TypeVar("T")
Pictures = Mapping[str, Sequence[Pixels]]
"""Kind → pictures, each fitted to the network's input."""
Shares = NDArray[np.float64]
Choose = Callable[[Shares, Sequence[Shares], GateRecipe], float]
"""From the own kinds' probability of own pictures and of those of each foreign kind to a threshold."""


@dataclass(frozen=True)
class Kinds:
    """Pictures of every kind, to fit on and to choose the threshold on."""

    fitted: Pictures
    aside: Pictures

    @classmethod
    def of(cls, pictures: Pictures, own: str | None = None, own_aside: Sequence[Pixels] = ()) -> Kinds:
        """Every fourth picture is kept aside, of ``own`` those that are given for it instead."""
        fitted, aside = {}, {}
        for kind, found in pictures.items():
            if kind == own and own_aside:
                fitted[kind], aside[kind] = list(found), list(own_aside)
            else:
                fitted[kind] = [item for index, item in enumerate(found) if index % ASIDE]
                aside[kind] = [item for index, item in enumerate(found) if not index % ASIDE]
        return cls(fitted, aside)


def read_kinds(folders: Mapping[str, Sequence[Path]], spec: TensorSpec, recipe: GateRecipe) -> dict[str, list[Pixels]]:
    """Of every kind as many pictures as the recipe wants, evenly from its folders.

    Raises:
        Invalid: a folder has no pictures, or one is no good.
    """
    found = {}
    for kind, places in folders.items():
        samples = read_folders(places, unlabelled=True)
        chosen = thinned(samples, recipe.pictures)
        found[kind] = [fit(decode(sample.image.read_bytes()), spec) for sample in chosen]
    if recipe.synthetic:
        rng = np.random.default_rng(0)
        found[OTHER] = [*found.get(OTHER, []), *(drawn(spec.size, rng) for _ in range(recipe.pictures))]
    return found


def thinned(items: Sequence[T], count: int) -> list[T]:
    """At most ``count`` of them, evenly spaced."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)
    return [items[place] for place in places]


def add_gate(network: Network, spec: TensorSpec, kinds: Kinds, recipe: GateRecipe, choose: Choose) -> Gate:
    """Give a trained network its output ``kinds`` and find the threshold.

    Raises:
        Misconfigured: a kind has no pictures, or there is none but own kinds.
    """
    names = list(kinds.fitted)
    _refuse_without([kind for kind in (*recipe.own, *names) if not kinds.fitted.get(kind)], names, recipe)
    network.kinds = fit_gate(network, spec, kinds.fitted, recipe)
    own = [names.index(kind) for kind in recipe.own]
    shares = {kind: kind_shares(network, spec, found)[:, own].sum(1) for kind, found in kinds.aside.items() if found}
    ours = np.concatenate([share for kind, share in shares.items() if kind in recipe.own])
    foreign = [share for kind, share in shares.items() if kind not in recipe.own]
    return Gate(output=KINDS, kinds=tuple(names), own=recipe.own, threshold=choose(ours, foreign, recipe))


def check_named(recipe: GateRecipe, named: Sequence[str]) -> None:
    """See that a gate can be made of these kinds, before a training; the first own kind is what is trained on.

    Raises:
        Misconfigured: an own kind is not named, or there is none but own kinds.
    """
    names = {recipe.own[0], *named, *((OTHER,) if recipe.synthetic else ())}
    _refuse_without([kind for kind in recipe.own if kind not in names], names, recipe)


def _refuse_without(missing: Sequence[str], names: Collection[str], recipe: GateRecipe) -> None:
    if missing or len(names) == len(recipe.own):
        raise Misconfigured(
            "gate_kinds",
            "gate: {what}. Name folders of pictures with --kind name=DIR.",
            what=f"no picture of kind {missing[0]}" if missing else "there are only own kinds",
        )


def fit_gate(network: Network, spec: TensorSpec, pictures: Pictures, recipe: GateRecipe) -> nn.Linear:
    """Multinomial logistic regression on what the network sees, every kind counting alike.

    Each picture is used as it is and in ``recipe.variants`` light variations. Features are standardised, the weights
    of the standardised ones penalised, and both steps folded into one linear layer of raw features.
    """
    features, labels = [], []
    for number, (kind, found) in enumerate(pictures.items()):
        seen = look_at(network, spec, varied(found, recipe, own=kind in recipe.own))
        features.append(seen)
        labels.append(torch.full((len(seen),), number))
    x, y = torch.cat(features).double(), torch.cat(labels)
    mean, spread = x.mean(0), x.std(0).clamp(min=1e-4)
    weights = balanced_weights(torch.bincount(y)).double()
    head = _regression((x - mean) / spread, y, weights, recipe.decay)
    folded = nn.Linear(x.shape[1], len(pictures))
    with torch.no_grad():
        folded.weight.copy_(head.weight / spread)
        folded.bias.copy_(head.bias - (head.weight / spread) @ mean)
    return folded.requires_grad_(False)


def _regression(x: Tensor, y: Tensor, weights: Tensor, decay: float) -> nn.Linear:
    """Convex: the start does not matter, and L-BFGS finds the minimum."""
    head = nn.Linear(x.shape[1], len(weights), dtype=torch.float64)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimiser = torch.optim.LBFGS(
        head.parameters(), max_iter=100, history_size=10, tolerance_change=1e-6, line_search_fn="strong_wolfe"
    )

    def loss() -> float:
        optimiser.zero_grad()
        value = F.cross_entropy(head(x), y, weights, reduction="sum") / len(y) + decay * head.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value.item()

    optimiser.step(loss)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return head


def varied(pictures: Sequence[Pixels], recipe: GateRecipe, *, own: bool) -> list[Pixels]:
    """The pictures and light variations of them: crops, colours, compression."""
    kind = OWN_VARIED if own else FOREIGN_VARIED
    found = list(pictures)
    for number, pixels in enumerate(pictures):
        nothing = np.zeros((*pixels.shape[:2], 0), np.uint8)
        for variant in range(recipe.variants):
            rng = np.random.default_rng((number, variant))
            found.append(augment(pixels, nothing, (pixels.shape[0], pixels.shape[1]), kind, rng)[0])
    return found


@torch.no_grad()
def look_at(network: Network, spec: TensorSpec, pictures: Sequence[Pixels], batch_size: int = 16) -> Tensor:
    """What the gate reads of every picture, (n, c + 6) float32."""
    network.eval()
    found = []
    for start in range(0, len(pictures), batch_size):
        x = torch.from_numpy(normalise(np.stack(pictures[start : start + batch_size]), spec))
        found.append(look(x, network.features(x)[-1]))
    return torch.cat(found)


def kind_shares(network: Network, spec: TensorSpec, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    """Probability of every kind for every picture, (n, kinds)."""
    assert network.kinds is not None
    with torch.no_grad():
        return np.asarray(network.kinds(look_at(network, spec, pictures)).softmax(1), np.float64)


def drawn(size: tuple[int, int], rng: Generator) -> Pixels:
    """What is no photograph: a page of writing, flat colours, a gradient, boxes or noise."""
    height, width = size
    picture = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    kind = rng.integers(5)
    if kind == 0:
        picture[:] = rng.integers(200, 256)
        for line in range(6, height - 4, int(rng.integers(8, 18))):
            words = "".join(rng.choice(list("abcdefghij klmnop qrstuv"), int(rng.integers(4, 40))))
            cv2.putText(picture, words, (6, line), cv2.FONT_HERSHEY_SIMPLEX, rng.uniform(0.2, 0.5), (30, 30, 30), 1)
    elif kind == 1:
        for _ in range(int(rng.integers(3, 25))):
            ends = rng.integers(0, (width, height), (2, 2))
            cv2.rectangle(picture, ends[0].tolist(), ends[1].tolist(), rng.uniform(0, 255, 3).tolist(), -1)
    elif kind == 2:
        slope = np.linspace(0, 1, width)[None, :, None] * rng.uniform(-255, 255, 3)
        return _clipped(picture + slope + np.linspace(0, 1, height)[:, None, None] * rng.uniform(-255, 255, 3))
    elif kind == 3:
        return _clipped(picture + rng.normal(0, rng.uniform(10, 90), (height, width, 1 if rng.random() < 0.5 else 3)))
    return picture


def _clipped(values: NDArray[np.float64]) -> Pixels:
    return np.asarray(values.clip(0, 255), np.uint8)
