"""A training run from folders to a network with its card, in the order in which it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from atisbo.domain.cards import Card, Gate
from atisbo.errors import Misconfigured
from atisbo.imaging.folders import data_sha256
from atisbo.imaging.transform import Tensor
from atisbo.training import checkpoint, networks
from atisbo.training.alike import fit_alike
from atisbo.training.card import Calibrate, make_card, operating_points
from atisbo.training.data import Cached, plain
from atisbo.training.devices import Place
from atisbo.training.display import in_words as in_figures
from atisbo.training.export import check, export
from atisbo.training.loop import Run
from atisbo.training.networks import Network
from atisbo.training.recipe import Recipe
from atisbo.training.split import Split

MODEL, CARD = "model.onnx", "card.json"


def train(
    recipe: Recipe,
    split: Split,
    out: Path,
    *,
    weights: Path | None,
    start: Path | None = None,
    command: str,
    resume: bool = False,
    keep_rows: bool = False,
    place: Place | None = None,
    console: Console | None = None,
) -> bool:
    """Train a recipe on a split into ``out``, from pretrained encoders or from an exported network.

    Returns:
        Whether the end was reached; False after Ctrl-C.

    Raises:
        Misconfigured: the recipe needs pretrained weights and none are named, there is nothing to resume, or there are
            more processes than images in a batch.
    """
    if recipe.network.encoder_weights and weights is None and start is None:
        raise Misconfigured(
            "weights_unnamed",
            "This recipe starts from {file}. Name the folder it is in with --weights DIR.",
            file=recipe.network.encoder_weights,
        )
    console = console or Console()
    place = place or Place(torch.device("cpu"))
    if place.ranks > recipe.train.batch_size:
        raise Misconfigured(
            "batch_small",
            "train.batch_size is {size}: too few images for {ranks} processes.",
            size=recipe.train.batch_size,
            ranks=place.ranks,
        )
    if place.first:
        out.mkdir(parents=True, exist_ok=True)
        split.write(out)
        for side, images in (("train", split.train), ("validation", split.validation), ("held out", split.held_out)):
            console.print(f"{side}: {in_words(images)}")
    notes = {
        "command": command,
        "data": f"training: {in_words(split.train)}; validation: {in_words(split.validation)}",
        "trained_on": datetime.now(UTC).date().isoformat(),
    }
    run = Run(
        recipe,
        split,
        split_sha256(split),
        out,
        weights=weights,
        start=start,
        notes=notes,
        console=console,
        place=place,
        keep_rows=keep_rows,
    )
    return run.go(resume=resume)


def trained(folder: Path) -> tuple[Network, Recipe, dict[str, Any]]:
    """The best network of a run so far, ready to answer, with the recipe and the notes it was stored with.

    Raises:
        Misconfigured: no epoch is complete.
    """
    weights, notes = checkpoint.load_weights(folder)
    recipe = Recipe.model_validate(notes["recipe"])
    network = networks.build(recipe)
    network.load_state_dict(weights)
    return network.eval(), recipe, notes


def publish(
    folder: Path,
    split: Split,
    calibrate: Calibrate,
    *,
    gate: Callable[[Network], Gate | None] | None = None,
    console: Console | None = None,
) -> Card:
    """Export the best weights of a run so far: model.onnx and card.json in the run's folder.

    Args:
        calibrate: chooses what a class's probability means, where there are classes.
        gate: gives the network its head for foreign pictures, if it can.

    Raises:
        Misconfigured: no epoch is complete, or the export answers differently from the network.
    """
    console = console or Console()
    network, recipe, notes = trained(folder)
    found = gate(network) if gate else None
    if gate and found is None:
        console.print("The gate of the version before could not be kept: no picture is refused.", highlight=False)
    if recipe.task == "segmentation" and recipe.network.embedding:
        pictures = [image.pixels for image in split.train]
        network.alike = fit_alike(network, recipe.input, pictures, recipe.network.embedding)
    sha256 = export(network, recipe.input.size, folder / MODEL)
    for runtime, differences in check(network, folder / MODEL, probes(split.validation or split.train, recipe)).items():
        console.print(f"{runtime}, largest differences: {in_figures(differences, digits=6)}", highlight=False)
    output, structures = operating_points(network, recipe, split.validation, calibrate)
    card = make_card(recipe, notes, sha256, output, structures, found)
    card.write(folder / CARD)
    return card


def probes(images: Sequence[Cached], recipe: Recipe, count: int = 16) -> list[Tensor]:
    """A batch of noise and real images one by one, to compare runtimes on."""
    noise = np.random.default_rng(recipe.seed).standard_normal((3, 3, *recipe.input.size), np.float32)
    chosen = images[:: max(1, len(images) // count)][:count]
    return [noise, *(batch.pixels for batch in plain(chosen, recipe.input, 1))]


def split_sha256(split: Split) -> str:
    """Hash over the images and masks that training and validation saw."""
    return data_sha256(image.sample for image in (*split.train, *split.validation))


def in_words(images: Sequence[Cached]) -> str:
    """How many images of each folder, for example ``898 kvasir + 547 clinicdb``."""
    counts = Counter(image.sample.folder for image in images)
    return " + ".join(f"{count} {folder}" for folder, count in counts.items()) or "none"
