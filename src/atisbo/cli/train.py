"""``atisbo train`` from start to card: the only commands that load torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from atisbo.cli.judge import judge, measurements, opened, show
from atisbo.cli.outputs import make_out
from atisbo.cli.reference import described
from atisbo.cli.sources import MANIFEST
from atisbo.domain.cards import Card, Measurement, Reference
from atisbo.errors import Misconfigured
from atisbo.imaging.folders import Sample

try:
    from atisbo.cli.gates import check_kinds, chosen_gates
    from atisbo.cli.operating import Rows, calibrated, out_of_fold
    from atisbo.training import story
    from atisbo.training.crossval import OUT_OF_FOLD, read_out_of_fold
    from atisbo.training.devices import place
    from atisbo.training.gate import thinned
    from atisbo.training.recipe import Recipe, load_recipe
    from atisbo.training.split import GROUP, ORIGIN, Split, load
    from atisbo.training.stack import stack
except ModuleNotFoundError as error:
    raise Misconfigured(
        "training_missing",
        "Training needs {package}, which is not installed: pip install 'atisbo[training]'",
        package=error.name,
    ) from error


REMEMBERED: Final = 4000
"""Pictures at most, evenly spaced, of which the card keeps what they are like."""


@dataclass(frozen=True)
class Asked:
    """What a person asked of ``atisbo train``."""

    recipe: str
    folders: Sequence[Path]
    out: Path
    command: str
    weights: Path | None = None
    start: Path | None = None
    hold_out: tuple[str, ...] = ()
    epochs: int | None = None
    share: float | None = None
    everything: bool = False
    resume: bool = False
    export_only: bool = False
    calibrate_from: Path | None = None
    kinds: tuple[str, ...] = ()
    foreign: tuple[Path, ...] = ()
    device: str = "auto"


def run(asked: Asked) -> bool:
    """Train, export, measure with the serving engine, write the card.

    Returns:
        Whether the run reached its end (or only its export was asked for).
    """
    console = Console()
    recipe = varied(load_recipe(asked.recipe), asked)
    if asked.kinds:
        check_kinds(recipe, asked.kinds)
    make_out(asked.out)
    split = load(asked.folders, recipe)
    with place("cpu" if asked.export_only else asked.device) as here:
        done = asked.export_only or story.train(
            recipe,
            split,
            asked.out,
            weights=asked.weights,
            start=asked.start,
            command=asked.command,
            resume=asked.resume,
            place=here,
            console=console,
        )
        if done and here.first:
            publish(recipe, split, asked, console)
    return done


def publish(recipe: Recipe, split: Split, asked: Asked, console: Console) -> None:
    """Export what was trained, choose its operating point, measure it, write the card."""
    texts = recipe.model_dump(include={"intended_use", "limits", "licence"})
    rows = unseen(recipe, split, asked)
    gates = chosen_gates(recipe, split, asked.kinds, asked.start, asked.foreign)
    card = story.publish(asked.out, split, calibrated, gate=gates.give, console=console).model_copy(update=texts)
    if rows:
        found = calibrated(recipe, rows["logits"], rows["label"])
        names = card.output.model_dump(include={"scores", "embedding"})
        card = card.model_copy(update={"output": found.model_copy(update=names)})
    card = measured(card, split, asked, recipe.data.hold_out, gates.strangers, console)
    card = card.model_copy(update={"reference": remembered(card, split, asked.out)})
    if rows:
        card = card.model_copy(update={"quality": (crossed(recipe, rows, card, asked, console), *card.quality)})
    card.write(asked.out / story.CARD)


def remembered(card: Card, split: Split, out: Path) -> Reference:
    """What the pictures that it learnt from are like; those of validation say how far is far."""
    sides = [(image.sample, False) for image in split.train] + [(image.sample, True) for image in split.validation]
    samples, aside = zip(*thinned(sides, REMEMBERED), strict=True)
    return described(opened(out, card), samples, aside)


def unseen(recipe: Recipe, split: Split, asked: Asked) -> Rows:
    """The out-of-fold answers to calibrate on; of a whole cross-validation, the ratios' share is learned first."""
    path = asked.calibrate_from
    if path is None:
        return {}
    if path.is_dir():
        stackable = recipe.structures and recipe.structures.ratios and len(recipe.output.labels) == 2
        path = stack(recipe, [*split.train, *split.validation], path, asked.out) if stackable else path / OUT_OF_FOLD
    return read_out_of_fold(path, recipe.output.labels)


def crossed(recipe: Recipe, rows: Rows, card: Card, asked: Asked, console: Console) -> Measurement:
    """How good the recipe was on the folds that it did not train on."""
    figures = out_of_fold(recipe, rows)
    name = f"cross-validated over {len(set(rows['fold'].tolist()))} folds"
    show(console, name, figures)
    return Measurement(
        name=name,
        data=f"{len(rows['label'])} images, each judged by a network that was trained without it",
        data_sha256=card.lineage.data_sha256,
        command=asked.command,
        figures=figures,
    )


def varied(recipe: Recipe, asked: Asked) -> Recipe:
    """The recipe with what the command line changes in it."""
    data = recipe.data
    if any((folder / MANIFEST).is_file() for folder in asked.folders):
        data = data.model_copy(update={"split": "split", "group_columns": (*data.group_columns, "group")})
    if asked.hold_out:
        data = data.model_copy(update={"hold_out": asked.hold_out})
    if asked.share is not None:
        data = data.model_copy(update={"share": asked.share})
    if asked.everything:
        data = data.model_copy(update={"validation": 0.0})
    train = recipe.train.model_copy(update={"epochs": asked.epochs}) if asked.epochs else recipe.train
    return recipe.model_copy(update={"data": data, "train": train})


def measured(
    card: Card, split: Split, asked: Asked, rules: Sequence[str], strangers: Sequence[Sample], console: Console
) -> Card:
    """The card with its quality on the validation images and on those held out.

    Args:
        strangers: of other kinds; beside the validation images it is measured how many of them are refused.
    """
    found: list[Measurement] = []
    validation, held_out = ([image.sample for image in side] for side in (split.validation, split.held_out))
    sides = {
        "validation images": validation,
        f"{', '.join(rules)}, not seen in training": held_out,
        "unlabelled frames left over, not seen in training": split.spare,
    }
    for name, samples in sides.items():
        if samples:
            foreign = strangers if samples is validation else ()
            report = judge(asked.out, card, samples, command=asked.command, group=GROUP, foreign=foreign)
            show(console, name, report.figures())
            found += measurements(report, name, ORIGIN)
    return card.model_copy(update={"quality": tuple(found)})
