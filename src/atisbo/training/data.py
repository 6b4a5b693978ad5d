"""The images of a run: read, split so that neighbours stay together, kept in memory, served in batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import TensorSpec
from atisbo.errors import Invalid
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Sample, fits, read_folder, read_mask, thumbnail
from atisbo.imaging.transform import Pixels, Tensor, fit, normalise
from atisbo.training.augment import Grey, augment
from atisbo.training.recipe import AugmentRecipe, DataRecipe

GROUP, SOURCE = "group", "source"
"""Columns added by the split: equal groups stayed together; the source is the folder and its strata."""


@dataclass(frozen=True)
class Cached:
    """A sample at the network's input size: pixels (h, w, 3) uint8 RGB, mask (h, w) uint8 of 0 and 1."""

    sample: Sample
    pixels: Pixels
    mask: Grey


@dataclass(frozen=True)
class Split:
    """The sides of a run; nothing is chosen on ``held_out`` and ``spare``."""

    train: list[Cached]
    validation: list[Cached]
    held_out: list[Cached]
    spare: list[Sample] = field(default_factory=list)
    """Of unlabelled folders, what was not asked for."""


def load(folders: Sequence[Path], recipe: DataRecipe, spec: TensorSpec, seed: int) -> Split:
    """Read folders, decode every image once and split.

    Raises:
        Invalid: a folder, row, mask or image is wrong, or a side of the split is empty.
    """
    samples: list[Sample] = []
    spare: list[Sample] = []
    for folder in folders:
        quota = recipe.unlabelled.get(folder.name)
        found = read_folder(folder, unlabelled=quota is not None)
        used, rest = (found, []) if quota is None else _divide(found, quota, seed)
        samples += used
        spare += rest
    with ThreadPoolExecutor(2) as pool:
        cached = list(pool.map(lambda sample: cache(sample, spec), samples))
    return replace(split(cached, recipe, seed), spare=spare)


def _divide(samples: list[Sample], count: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """``count`` of them at random, and the others."""
    order = np.random.default_rng(seed).permutation(len(samples))
    used, rest = ([samples[index] for index in sorted(part)] for part in (order[:count], order[count:]))
    return used, rest


def cache(sample: Sample, spec: TensorSpec) -> Cached:
    """Decode and fit one sample as serving does; the mask is averaged down and cut at one half."""
    pixels = decode(sample.image.read_bytes())
    mask = read_mask(sample, (pixels.shape[0], pixels.shape[1])).astype(np.float32)
    height, width = spec.size
    small = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    return Cached(sample, fit(pixels, spec), (small >= 0.5).astype(np.uint8))


def split(images: Sequence[Cached], recipe: DataRecipe, seed: int) -> Split:
    """Hold out what the recipe names, then fill validation group by group, evenly over strata.

    A group with a held-out member is left out altogether where it is not held out itself, so that no near copy
    of a held-out image is trained on.
    """
    groups = _groups(images, recipe)
    held = np.array([fits(image.sample, recipe.hold_out) for image in images], bool)
    spoilt = set(groups[held])
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        if group not in spoilt:
            members[group].append(index)
    chosen = _choose(images, list(members.values()), recipe, seed)
    images = [_noted(image, group, recipe.strata) for image, group in zip(images, groups, strict=True)]
    free = [index for indices in members.values() for index in indices]
    result = Split(
        train=[images[i] for i in sorted(free) if i not in chosen],
        validation=[images[i] for i in sorted(chosen)],
        held_out=[image for image, out in zip(images, held, strict=True) if out],
    )
    if not result.train or not result.validation:
        raise Invalid("split_empty", "The data cannot be split: training or validation would have no image.")
    if recipe.hold_out and not result.held_out:
        raise Invalid("hold_out_empty", "No image fits {what}.", what=", ".join(recipe.hold_out))
    return result


def _noted(image: Cached, group: int, strata: Sequence[str]) -> Cached:
    """The same with group and source among its columns, so that intervals can draw groups and tables name sources."""
    sample, (*source, _) = image.sample, stratum(image, strata)
    columns = {**sample.columns, GROUP: str(group), SOURCE: " ".join(filter(None, source))}
    return replace(image, sample=replace(sample, columns=columns))


def stratum(image: Cached, columns: Sequence[str]) -> tuple[str, ...]:
    """Where an image comes from: its folder, the named columns, and whether it shows anything."""
    values = (image.sample.columns.get(column, "") for column in columns)
    return (image.sample.folder, *values, "object" if image.mask.any() else "empty")


def _choose(images: Sequence[Cached], groups: list[list[int]], recipe: DataRecipe, seed: int) -> set[int]:
    """Whole groups, in random order, wherever the strata of their members still need validation images."""
    wanted: dict[tuple[str, ...], float] = defaultdict(float)
    strata = {i: stratum(images[i], recipe.strata) for group in groups for i in group}
    for key in strata.values():
        wanted[key] += recipe.validation
    chosen: set[int] = set()
    for number in np.random.default_rng(seed).permutation(len(groups)):
        members = Counter(strata[i] for i in groups[number])
        fits = sum(min(count, wanted[key]) for key, count in members.items())
        if fits >= 0.5 * len(groups[number]):
            chosen.update(groups[number])
            for i in groups[number]:
                wanted[strata[i]] -= 1
    return chosen


def _groups(images: Sequence[Cached], recipe: DataRecipe) -> NDArray[np.int64]:
    """A number per image; equal numbers stay together (connected by column, block or likeness)."""
    parent = np.arange(len(images))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = int(parent[index])
        return index

    first: dict[tuple[str, ...], int] = {}
    for index, image in enumerate(images):
        for key in _keys(image.sample, recipe):
            parent[root(index)] = root(first.setdefault(key, index))
    for a, b in _alike(images, recipe.alike):
        parent[root(a)] = root(b)
    return np.array([root(index) for index in range(len(images))], np.int64)


def _keys(sample: Sample, recipe: DataRecipe) -> Iterator[tuple[str, ...]]:
    for column in recipe.group_columns:
        if column in sample.columns:
            yield ("column", column, sample.columns[column])
    block, stem = recipe.blocks.get(sample.folder), sample.image.stem
    if block and stem.isdigit():
        yield ("block", sample.folder, str((int(stem) - 1) // block))


def _alike(images: Sequence[Cached], threshold: float) -> list[tuple[int, int]]:
    if threshold <= 0 or not images:
        return []
    thumbnails = np.stack([thumbnail(image.pixels) for image in images])
    pairs = np.argwhere(np.triu(thumbnails @ thumbnails.T > threshold, 1))
    return [(int(a), int(b)) for a, b in pairs]


Batch = tuple[Tensor, Tensor]
"""(n, 3, h, w) float32 normalised, and (n, 1, h, w) float32 of 0 and 1."""


@dataclass(frozen=True)
class Batches:
    """Training batches as a pure function of seed, epoch and step, so that a stopped run goes on exactly."""

    images: Sequence[Cached]
    spec: TensorSpec
    recipe: AugmentRecipe
    batch_size: int
    seed: int

    def __len__(self) -> int:
        """Steps per epoch; an incomplete last batch is left out, unless it is the only one."""
        return max(1, len(self.images) // self.batch_size)

    def epoch(self, epoch: int, size: tuple[int, int], start: int = 0) -> Iterator[Batch]:
        """The epoch's batches from step ``start`` on; the next one is made while this one is used."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.images))
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(self._make, order, epoch, start, size)
            for step in range(start, len(self)):
                batch = pending.result()
                if step + 1 < len(self):
                    pending = pool.submit(self._make, order, epoch, step + 1, size)
                yield batch

    def _make(self, order: NDArray[np.int64], epoch: int, step: int, size: tuple[int, int]) -> Batch:
        chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
        pairs = []
        for index in chosen:
            rng = np.random.default_rng((self.seed, epoch, int(index)))
            image = self.images[index]
            pairs.append(augment(image.pixels, image.mask, size, self.recipe, rng))
        return to_batch(pairs, self.spec)


def to_batch(pairs: Sequence[tuple[Pixels, Grey]], spec: TensorSpec) -> Batch:
    """Stack fitted images and masks and normalise by the card."""
    pixels = np.stack([pixels for pixels, _ in pairs])
    masks = np.stack([mask for _, mask in pairs])[:, np.newaxis].astype(np.float32)
    return normalise(pixels, spec), masks


def plain(images: Sequence[Cached], spec: TensorSpec, batch_size: int) -> Iterator[Batch]:
    """All images once, in order, unchanged."""
    for start in range(0, len(images), batch_size):
        yield to_batch([(image.pixels, image.mask) for image in images[start : start + batch_size]], spec)
