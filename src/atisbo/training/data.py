"""The images of a run: read, kept in memory at the network's size, served in batches."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from atisbo.domain.cards import TensorSpec
from atisbo.errors import Invalid
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Sample, read_folder, read_mask, thumbnail
from atisbo.imaging.transform import Pixels, Tensor, fit, normalise
from atisbo.training.augment import Masks, augment
from atisbo.training.recipe import Recipe
from atisbo.training.sections import AugmentRecipe, DataRecipe

TRAINING, VALIDATION = SIDES = ("training", "validation")
"""Words of a column that says who is on which side."""


@dataclass(frozen=True)
class Cached:
    """A sample at the network's input size."""

    sample: Sample
    pixels: Pixels
    """(h, w, 3), uint8, RGB."""
    look: NDArray[np.float32]
    """Its thumbnail, made from the whole image: what is alike does not depend on the network's size."""
    masks: Masks
    """(h, w, labels), uint8, 0 or 1; no labels where nothing is outlined."""
    label: int = -1
    """Number of its class; −1 where there are none."""


def read(folders: Sequence[Path], recipe: Recipe) -> tuple[list[Cached], list[Sample]]:
    """Read folders and decode every image once.

    Returns:
        The images to learn from, and those of unlabelled folders that were not asked for.

    Raises:
        Invalid: a folder, row, class, mask or image is wrong.
    """
    samples: list[Sample] = []
    spare: list[Sample] = []
    classes, structures = recipe.task == "classification", recipe.structures.labels if recipe.structures else ()
    for folder in folders:
        quota = recipe.data.unlabelled.get(folder.name)
        found = read_folder(folder, unlabelled=quota is not None, classes=classes, structures=structures)
        if recipe.data.split:
            found = [sample for sample in found if sample.columns.get(recipe.data.split) in SIDES]
        used, rest = (found, []) if quota is None else _divide(found, quota, recipe.seed)
        samples += used
        spare += rest
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda sample: cache(sample, recipe), samples)), spare


def _divide(samples: list[Sample], count: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """``count`` of them at random, and the others."""
    order = np.random.default_rng(seed).permutation(len(samples))
    used, rest = ([samples[index] for index in sorted(part)] for part in (order[:count], order[count:]))
    return used, rest


def cache(sample: Sample, recipe: Recipe) -> Cached:
    """Decode and fit one sample as serving does; masks are averaged down and cut at one half.

    Raises:
        Invalid: its class is none of the recipe's.
    """
    pixels = decode(sample.image.read_bytes())
    wanted: tuple[str | None, ...] = (None,)
    label = -1
    if recipe.task == "classification":
        wanted, label = recipe.structures.labels if recipe.structures else (), _number(sample, recipe)
    height, width = recipe.input.size
    masks = np.zeros((height, width, len(wanted)), np.uint8)
    for index, structure in enumerate(wanted):
        mask = read_mask(sample, (pixels.shape[0], pixels.shape[1]), structure).astype(np.float32)
        masks[..., index] = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA) >= 0.5
    return Cached(sample, fit(pixels, recipe.input), thumbnail(pixels), masks, label)


def _number(sample: Sample, recipe: Recipe) -> int:
    labels = recipe.output.labels
    if sample.label not in labels:
        raise Invalid(
            "class_unknown",
            "{file} is of class {label}, but the recipe's labels are {labels}.",
            file=sample.name,
            label=sample.label,
            labels=", ".join(labels),
        )
    return labels.index(sample.label)


class Item(NamedTuple):
    """One image of a batch: pixels (h, w, 3) uint8, masks (h, w, labels) 0 to 1, shares of classes (classes,)."""

    pixels: Pixels
    masks: NDArray[np.float32]
    classes: NDArray[np.float32]


class Batch(NamedTuple):
    """Images (n, 3, h, w) normalised, masks (n, labels, h, w) and shares of classes (n, classes), all float32."""

    pixels: Tensor
    masks: NDArray[np.float32]
    classes: NDArray[np.float32]


def item(image: Cached, classes: int) -> Item:
    """The image as it is."""
    return Item(image.pixels, image.masks.astype(np.float32), _shares(image.label, classes))


def _shares(label: int, classes: int) -> NDArray[np.float32]:
    return np.asarray(np.arange(classes) == label, np.float32)


def to_batch(items: Sequence[Item], spec: TensorSpec) -> Batch:
    """Stack fitted images and normalise by the card."""
    pixels, masks, classes = (np.stack(parts) for parts in zip(*items, strict=True))
    return Batch(normalise(pixels, spec), np.ascontiguousarray(masks.transpose(0, 3, 1, 2)), classes)


def plain(images: Sequence[Cached], spec: TensorSpec, batch_size: int, classes: int = 0) -> Iterator[Batch]:
    """All images once, in order, unchanged."""
    for start in range(0, len(images), batch_size):
        yield to_batch([item(image, classes) for image in images[start : start + batch_size]], spec)


@dataclass(frozen=True)
class Batches:
    """Training batches as a pure function of seed, epoch and step, so that a stopped run goes on exactly."""

    images: Sequence[Cached]
    spec: TensorSpec
    recipe: AugmentRecipe
    batch_size: int
    seed: int
    data: DataRecipe = field(default_factory=DataRecipe)
    classes: int = 0
    """How many there are; 0 where nothing is classified."""
    share: tuple[int, int] = (0, 1)
    """Of every batch this process makes its own part: number of the process, and of how many."""
    threads: int = 1
    """Batches that are made ahead, side by side."""

    def __len__(self) -> int:
        """Steps per epoch; an incomplete last batch is left out, unless it is the only one."""
        return max(1, len(self.images) // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Which images, one after the other."""
        rng = np.random.default_rng((self.seed, epoch))
        if not self.data.balance:
            return rng.permutation(len(self.images))
        alike = np.array(sorted(range(len(self.images)), key=lambda index: _key(self.images[index], self.data)))
        edges = np.cumsum(chances(self.images, self.data)[alike]) * len(self.images)
        drawn = np.searchsorted(edges, np.arange(len(self.images)) + rng.random())
        return rng.permutation(alike[drawn.clip(max=len(self.images) - 1)])

    def epoch(self, epoch: int, size: tuple[int, int], start: int = 0) -> Iterator[Batch]:
        """The epoch's batches from step ``start`` on; the next ones are made while this one is used."""
        order = self.order(epoch)
        with ThreadPoolExecutor(self.threads) as pool:
            pending: deque[Future[Batch]] = deque()
            for step in range(start, len(self)):
                pending.append(pool.submit(self._make, order, epoch, step, size))
                if len(pending) > self.threads:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def _make(self, order: NDArray[np.int64], epoch: int, step: int, size: tuple[int, int]) -> Batch:
        first = step * self.batch_size
        chosen = order[first : first + self.batch_size]
        rank, ranks = self.share
        items = []
        for place in range(rank, len(chosen), ranks):
            rng = np.random.default_rng((self.seed, epoch, first + place))
            one = self._varied(chosen[place], size, rng)
            if self.recipe.mixup:
                other = self._varied(rng.choice(chosen), size, rng)
                one = blend(one, other, rng.beta(self.recipe.mixup, self.recipe.mixup))
            items.append(one)
        return to_batch(items, self.spec)

    def _varied(self, index: int, size: tuple[int, int], rng: Generator) -> Item:
        image = self.images[index]
        pixels, masks = augment(image.pixels, image.masks, size, self.recipe, rng)
        return Item(pixels, masks.astype(np.float32), _shares(image.label, self.classes))


def blend(one: Item, other: Item, share: float) -> Item:
    """``share`` of one and the rest of the other (Zhang et al. 2018, mixup)."""
    pixels = share * one.pixels.astype(np.float32) + (1 - share) * other.pixels
    masks, classes = (share * a + (1 - share) * b for a, b in zip(one[1:], other[1:], strict=True))
    return Item(pixels.round().astype(np.uint8), masks.astype(np.float32), classes.astype(np.float32))


def chances(images: Sequence[Cached], recipe: DataRecipe) -> NDArray[np.float64]:
    """How probable each image is at every draw, (n,), adding up to 1; see ``data.balance``."""
    keys = [_key(image, recipe) for image in images]
    result = np.ones(len(images))
    for level in range(len(recipe.balance)):
        siblings: dict[tuple[str, ...], set[str]] = {}
        for key in keys:
            siblings.setdefault(key[:level], set()).add(key[level])
        result /= [len(siblings[key[:level]]) for key in keys]
    counts = Counter(keys)
    result /= [counts[key] for key in keys]
    result = result**recipe.balance_strength
    return np.asarray(result / result.sum(), np.float64)


def _key(image: Cached, recipe: DataRecipe) -> tuple[str, ...]:
    return tuple(value(image, column) for column in recipe.balance)


def value(image: Cached, column: str) -> str:
    """What an image has in a column; ``label`` is its class, wherever that was read from."""
    if column == "label" and image.sample.label is not None:
        return image.sample.label
    return image.sample.columns.get(column, "")
