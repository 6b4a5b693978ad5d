"""The head for pictures of other kinds: fitted on folders of them, or kept from the version that was gone on from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from atisbo.domain.cards import Gate
from atisbo.errors import Invalid, Misconfigured
from atisbo.evaluation.calibration import choose_gate
from atisbo.imaging.decode import decode
from atisbo.imaging.folders import Sample, read_folders
from atisbo.imaging.transform import fit
from atisbo.training.gate import ASIDE, Kinds, add_gate, check_named, read_kinds, thinned
from atisbo.training.kept import Former, keep_gate
from atisbo.training.networks import Network
from atisbo.training.recipe import Recipe
from atisbo.training.sections import GateRecipe
from atisbo.training.split import Split

PICTURES: Final = 300
"""Proper ones, and foreign ones, that a gate is kept by."""
Give = Callable[[Network], Gate | None]


@dataclass(frozen=True)
class Gates:
    """``give`` fits a network's head; ``strangers`` are foreign pictures that it was not fitted on."""

    give: Give | None = None
    strangers: tuple[Sample, ...] = ()


def chosen_gates(
    recipe: Recipe, split: Split, kinds: Sequence[str], start: Path | None, foreign: Sequence[Path]
) -> Gates:
    """Fitted anew where kinds are named; kept where a version with a gate is gone on from; else none.

    Raises:
        Misconfigured, Invalid: kinds are named, and something is wrong with them; see :func:`check_kinds`.
    """
    if kinds:
        return Gates(fitted(recipe, split, kinds))
    former = Former.read(start.parent) if start and foreign else None
    return kept(recipe, split, former, foreign) if former else Gates()


def kept(recipe: Recipe, split: Split, former: Former, folders: Sequence[Path]) -> Gates:
    """The gate of the version before; of the folders only pictures count that it refuses, and every fourth is set
    aside."""
    samples = thinned(read_folders(folders, unlabelled=True), PICTURES)
    pictures = [fit(decode(sample.image.read_bytes()), recipe.input) for sample in samples]
    refused = (former.own(former.logits(pictures)) < former.gate.threshold).tolist() if pictures else []
    foreign = [pair for pair, out in zip(zip(samples, pictures, strict=True), refused, strict=True) if out]
    learnt, aside = ([image.pixels for image in thinned(side, PICTURES)] for side in (split.train, split.validation))

    def give(network: Network) -> Gate | None:
        return keep_gate(network, recipe.input, former, (learnt, aside), [pixels for _, pixels in foreign])

    return Gates(give, tuple(sample for sample, _ in foreign[::ASIDE]))


def fitted(recipe: Recipe, split: Split, words: Sequence[str]) -> Give:
    """What gives the network its head for foreign pictures, from the folders of ``--kind name=DIR``.

    Raises:
        Misconfigured, Invalid: see :func:`check_kinds`.
    """
    chosen, folders = check_kinds(recipe, words)
    pictures = read_kinds(folders, recipe.input, chosen)
    own = chosen.own[0]
    trained, validated = (
        [image.pixels for image in thinned(side, chosen.pictures)] for side in (split.train, split.validation)
    )
    kinds = Kinds.of({own: [*trained, *pictures.pop(own, [])], **pictures}, own, validated)

    def give(network: Network) -> Gate:
        return add_gate(
            network,
            recipe.input,
            kinds,
            chosen,
            lambda ours, foreign, recipe: choose_gate(ours, foreign, keep=recipe.keep, refuse=recipe.refuse).threshold,
        )

    return give


def check_kinds(recipe: Recipe, words: Sequence[str]) -> tuple[GateRecipe, dict[str, list[Path]]]:
    """The recipe's gate and the folders of each ``--kind name=DIR``, no picture opened: to be asked before a training.

    Raises:
        Misconfigured: the recipe does not say which kinds are its own, or a kind has no folder.
        Invalid: a word is not of that form, or a folder holds no pictures.
    """
    if recipe.gate is None:
        raise Misconfigured("gate_missing", "--kind needs a section [gate] in the recipe, which names the own kinds.")
    found = by_kind(words)
    for folders in found.values():
        read_folders(folders, unlabelled=True)
    check_named(recipe.gate, list(found))
    return recipe.gate, found


def by_kind(words: Sequence[str]) -> dict[str, list[Path]]:
    """Folders of each ``name=DIR``.

    Raises:
        Invalid: a word is not of that form.
    """
    found: dict[str, list[Path]] = {}
    for word in words:
        name, sign, folder = word.partition("=")
        if not name or not sign or not Path(folder).is_dir():
            raise Invalid(
                "kind_wrong", "--kind {word} is not of the form name=DIR with a folder that exists.", word=word
            )
        found.setdefault(name, []).append(Path(folder))
    return found
