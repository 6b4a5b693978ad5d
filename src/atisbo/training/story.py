"""A training run from folders to a network with its card, in the order in which it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from rich.console import Console

from atisbo.domain.cards import Card
from atisbo.errors import Misconfigured
from atisbo.imaging.folders import data_sha256
from atisbo.imaging.transform import Tensor
from atisbo.training import checkpoint, networks
from atisbo.training.card import answers, choose_output, make_card
from atisbo.training.data import Cached, Split, to_batch
from atisbo.training.export import check, export
from atisbo.training.loop import Run
from atisbo.training.recipe import Recipe

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
    console: Console | None = None,
) -> bool:
    """Train a recipe on a split into ``out``, from pretrained encoders or from an exported network.

    Returns:
        Whether the end was reached; False after Ctrl-C.

    Raises:
        Misconfigured: the recipe needs pretrained weights and none are named, or there is nothing to resume.
    """
    if recipe.network.encoder_weights and weights is None and start is None:
        raise Misconfigured(
            "weights_unnamed",
            "This recipe starts from {file}. Name the folder it is in with --weights DIR.",
            file=recipe.network.encoder_weights,
        )
    console = console or Console()
    for side, images in (("train", split.train), ("validation", split.validation), ("held out", split.held_out)):
        console.print(f"{side}: {in_words(images)}")
    notes = {
        "command": command,
        "data": f"training: {in_words(split.train)}; validation: {in_words(split.validation)}",
        "trained_on": datetime.now(UTC).date().isoformat(),
    }
    run = Run(recipe, split, split_sha256(split), out, weights=weights, start=start, notes=notes, console=console)
    return run.go(resume=resume)


def publish(folder: Path, split: Split, console: Console | None = None) -> Card:
    """Export the best weights of a run so far: model.onnx and card.json in the run's folder.

    Raises:
        Misconfigured: no epoch is complete, or the export answers differently from the network.
    """
    console = console or Console()
    weights, notes = checkpoint.load_weights(folder)
    recipe = Recipe.model_validate(notes["recipe"])
    network = networks.build(recipe.network).eval()
    network.load_state_dict(weights)
    sha256 = export(network, recipe.input.size, folder / MODEL)
    for runtime, found in check(network, folder / MODEL, probes(split.validation, recipe)).items():
        console.print(f"{runtime}: {found}")
    pairs = answers(network, [image.sample for image in split.validation], recipe.input)
    card = make_card(recipe, notes, sha256, choose_output(pairs, recipe.output))
    card.write(folder / CARD)
    return card


def probes(images: Sequence[Cached], recipe: Recipe, count: int = 16) -> list[Tensor]:
    """A batch of noise and batches of real images, to compare runtimes on."""
    noise = np.random.default_rng(recipe.seed).standard_normal((3, 3, *recipe.input.size), np.float32)
    chosen = images[:: max(1, len(images) // count)][:count]
    real = [to_batch([(image.pixels, image.mask)], recipe.input)[0] for image in chosen]
    return [noise, *real]


def split_sha256(split: Split) -> str:
    """Hash over the images and masks that training and validation saw."""
    return data_sha256(image.sample for image in (*split.train, *split.validation))


def in_words(images: Sequence[Cached]) -> str:
    """How many images of each folder, for example ``898 kvasir + 547 clinicdb``."""
    counts = Counter(image.sample.folder for image in images)
    return " + ".join(f"{count} {folder}" for folder, count in counts.items()) or "none"
