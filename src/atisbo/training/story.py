"""A training run from folders to weights, in the order in which it happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from atisbo.errors import Misconfigured
from atisbo.imaging.folders import data_sha256
from atisbo.training.data import Cached, Split, load
from atisbo.training.loop import Run
from atisbo.training.recipe import Recipe


def train(
    recipe: Recipe,
    folders: Sequence[Path],
    out: Path,
    *,
    weights: Path | None,
    command: str,
    resume: bool = False,
    console: Console | None = None,
) -> bool:
    """Train a recipe on folders of labelled images into ``out``.

    Returns:
        Whether the end was reached; False after Ctrl-C.

    Raises:
        Invalid: the data are wrong.
        Misconfigured: the recipe needs pretrained weights and none are named, or there is nothing to resume.
    """
    if recipe.network.encoder_weights and weights is None:
        raise Misconfigured(
            "weights_unnamed",
            "This recipe starts from {file}. Name the folder it is in with --weights DIR.",
            file=recipe.network.encoder_weights,
        )
    console = console or Console()
    split = load(folders, recipe.data, recipe.input, recipe.seed)
    for side, images in (("train", split.train), ("validation", split.validation), ("held out", split.held_out)):
        console.print(f"{side}: {in_words(images)}")
    notes = {
        "command": command,
        "data": f"training: {in_words(split.train)}; validation: {in_words(split.validation)}",
        "trained_on": datetime.now(UTC).date().isoformat(),
    }
    run = Run(recipe, split, split_sha256(split), out, weights=weights, notes=notes, console=console)
    return run.go(resume=resume)


def split_sha256(split: Split) -> str:
    """Hash over the images and masks that training and validation saw."""
    return data_sha256(image.sample for image in (*split.train, *split.validation))


def in_words(images: Sequence[Cached]) -> str:
    """How many images of each folder, for example ``898 kvasir + 547 clinicdb``."""
    counts = Counter(image.sample.folder for image in images)
    return " + ".join(f"{count} {folder}" for folder, count in counts.items()) or "none"
