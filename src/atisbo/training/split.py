"""Who trains, who validates and who is kept out: groups stay together, strata are spread evenly."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atisbo.errors import Invalid
from atisbo.imaging.folders import Sample, fits
from atisbo.training.data import VALIDATION, Cached, read, value
from atisbo.training.recipe import Recipe
from atisbo.training.sections import DataRecipe

GROUP, ORIGIN = "group", "origin"
"""Columns added by the split: equal groups stayed together; the origin is the folder and its strata."""


@dataclass(frozen=True)
class Split:
    """The sides of a run; nothing is chosen on ``held_out`` and ``spare``."""

    train: list[Cached]
    validation: list[Cached]
    held_out: list[Cached]
    spare: list[Sample] = field(default_factory=list)
    """Of unlabelled folders, what was not asked for."""

    def write(self, folder: Path) -> None:
        """Record every file's side in split.json."""
        sides = {"train": self.train, "validation": self.validation, "held_out": self.held_out}
        names = {side: [image.sample.name for image in images] for side, images in sides.items()}
        names["spare"] = [sample.name for sample in self.spare]
        (folder / "split.json").write_text(json.dumps(names, indent=1) + "\n", encoding="utf-8")


def load(folders: Sequence[Path], recipe: Recipe) -> Split:
    """Read folders and split.

    Raises:
        Invalid: a folder, row, mask or image is wrong, or a side of the split is empty.
    """
    images, spare = read(folders, recipe)
    return replace(split(images, recipe.data, recipe.seed), spare=spare)


def split(images: Sequence[Cached], recipe: DataRecipe, seed: int) -> Split:
    """Hold out what the recipe names, then fill validation group by group, evenly over strata.

    Where the recipe names a column that says who validates, that is done instead.

    A group with a held-out member is left out altogether where it is not held out itself, so that no near copy
    of a held-out image is trained on.
    """
    images, members, held_out = _prepared(images, recipe)
    chosen = _given(images, members, recipe) if recipe.split else _choose(images, members, recipe, seed)
    free = [index for indices in members for index in indices]
    result = Split(
        train=part_of([images[i] for i in sorted(free) if i not in chosen], recipe, seed),
        validation=[images[i] for i in sorted(chosen)],
        held_out=held_out,
    )
    if not result.train or (recipe.validation and not result.validation):
        raise Invalid("split_empty", "The data cannot be split: training or validation would have no image.")
    return result


def folds(images: Sequence[Cached], recipe: DataRecipe, k: int, seed: int) -> list[Split]:
    """Up to k splits whose validation sides are disjoint, together everything that is not held out.

    Groups stay together and strata are spread evenly: large groups first, each to the fold that has least of its kind.
    With ``leave_out`` the values of that column are groups, and no fold validates all groups of a class; a class
    that has one group only is always trained on.

    Raises:
        Invalid: there are fewer than two folds to be made, or no image has the column of ``leave_out``.
    """
    known = {column for image in images for column in image.sample.columns}
    if recipe.leave_out and recipe.leave_out not in known:
        raise Invalid(
            "leave_out_unknown",
            "No image has the column {column} that is to be left out by; there are {known}.",
            column=recipe.leave_out,
            known=", ".join(sorted(known)),
        )
    columns = (*recipe.group_columns, *filter(None, (recipe.leave_out,)))
    images, members, held_out = _prepared(images, recipe.model_copy(update={"group_columns": columns}))
    parts = [part for part in _deal(images, members, recipe, k, seed) if part]
    if len(parts) < 2:
        raise Invalid("folds_too_few", "The data cannot be split into folds: too many images belong together.")
    free = sorted(index for indices in members for index in indices)
    sides = [([images[i] for i in free if i not in part], [images[i] for i in sorted(part)]) for part in parts]
    return [Split(part_of(train, recipe, seed), validation, held_out) for train, validation in sides]


def part_of(images: list[Cached], recipe: DataRecipe, seed: int) -> list[Cached]:
    """The recipe's share of every stratum of noted images, group by group; a smaller share lies within a larger."""
    if recipe.share == 1:
        return images
    rank = np.random.default_rng(seed).permutation(len(images))
    order: dict[str, int] = {}
    for place, image in zip(rank.tolist(), images, strict=True):
        group = image.sample.columns[GROUP]
        order[group] = min(order.get(group, place), place)
    strata: dict[tuple[str, ...], list[Cached]] = defaultdict(list)
    for image in sorted(images, key=lambda image: order[image.sample.columns[GROUP]]):
        strata[stratum(image, recipe.strata)].append(image)
    kept = {id(image) for of in strata.values() for image in of[: max(1, round(recipe.share * len(of)))]}
    return [image for image in images if id(image) in kept]


def _deal(images: Sequence[Cached], groups: list[list[int]], recipe: DataRecipe, k: int, seed: int) -> list[set[int]]:
    strata = [stratum(image, recipe.strata) for image in images]
    total = Counter(strata[i] for group in groups for i in group)
    kinds = [{images[i].label for i in group} for group in groups]
    owners = Counter(kind for found in kinds for kind in found)
    parts: list[set[int]] = [set() for _ in range(k)]
    filled: list[Counter[tuple[str, ...]]] = [Counter() for _ in range(k)]
    held: list[Counter[int]] = [Counter() for _ in range(k)]
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    for number in sorted(shuffled, key=lambda number: -len(groups[number])):
        own = Counter(strata[i] for i in groups[number])
        choices = [
            (sum(count * filled[fold][key] / total[key] for key, count in own.items()), len(parts[fold]), fold)
            for fold in range(k)
            if not recipe.leave_out or all(held[fold][kind] + 1 < owners[kind] for kind in kinds[number])
        ]
        if choices:
            fold = min(choices)[2]
            parts[fold].update(groups[number])
            filled[fold].update(own)
            held[fold].update(kinds[number])
    return parts


def _prepared(images: Sequence[Cached], recipe: DataRecipe) -> tuple[list[Cached], list[list[int]], list[Cached]]:
    """The images with their notes, the groups that may be used (numbers of images), and what is held out."""
    groups = _groups(images, recipe)
    held = np.array([fits(image.sample, recipe.hold_out) for image in images], bool)
    if recipe.hold_out and not held.any():
        raise Invalid("hold_out_empty", "No image fits {what}.", what=", ".join(recipe.hold_out))
    spoilt = set(groups[held])
    members: dict[int, list[int]] = defaultdict(list)
    for index, group in enumerate(groups):
        if group not in spoilt:
            members[group].append(index)
    noted = [_noted(image, group, recipe.strata) for image, group in zip(images, groups, strict=True)]
    return noted, list(members.values()), [image for image, out in zip(noted, held, strict=True) if out]


def _noted(image: Cached, group: int, strata: Sequence[str]) -> Cached:
    """The same with group and origin among its columns, so that intervals can draw groups and tables name origins."""
    sample, (*origin, _) = image.sample, stratum(image, strata)
    columns = {**sample.columns, GROUP: str(group), ORIGIN: " ".join(filter(None, origin))}
    return replace(image, sample=replace(sample, columns=columns))


def stratum(image: Cached, columns: Sequence[str]) -> tuple[str, ...]:
    """Where an image comes from and what it shows: its folder, the named columns, its class or whether it is empty."""
    shown = "object" if image.masks.any() else "empty"
    return (
        image.sample.folder,
        *(value(image, column) for column in columns),
        image.sample.label or shown if image.label >= 0 else shown,
    )


def _choose(images: Sequence[Cached], groups: list[list[int]], recipe: DataRecipe, seed: int) -> set[int]:
    """Whole groups, in random order, wherever the strata of their members still need validation images."""
    wanted: dict[tuple[str, ...], float] = defaultdict(float)
    strata = {i: stratum(images[i], recipe.strata) for group in groups for i in group}
    for key in strata.values():
        wanted[key] += recipe.validation
    chosen: set[int] = set()
    for number in np.random.default_rng(seed).permutation(len(groups)) if recipe.validation else ():
        members = Counter(strata[i] for i in groups[number])
        fits = sum(min(count, wanted[key]) for key, count in members.items())
        if fits >= 0.5 * len(groups[number]):
            chosen.update(groups[number])
            for i in groups[number]:
                wanted[strata[i]] -= 1
    return chosen


def _given(images: Sequence[Cached], groups: list[list[int]], recipe: DataRecipe) -> set[int]:
    """Those that the column says validate; none where everything is trained on."""
    free = (index for group in groups for index in group)
    return {i for i in free if recipe.validation and value(images[i], recipe.split) == VALIDATION}


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
    looks = np.stack([image.look for image in images])
    pairs = np.argwhere(np.triu(looks @ looks.T > threshold, 1))
    return [(int(a), int(b)) for a, b in pairs]
