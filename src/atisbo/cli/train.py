"""``atisbo train`` from start to card: the only command that loads torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from atisbo.cli.judge import judge, measurements, show
from atisbo.domain.cards import Card, Measurement
from atisbo.errors import Misconfigured

try:
    from atisbo.training import story
    from atisbo.training.data import GROUP, SOURCE, Split, load
    from atisbo.training.recipe import Recipe, load_recipe
except ModuleNotFoundError as error:
    raise Misconfigured(
        "training_missing",
        "Training needs {package}, which is not installed: pip install 'atisbo[training]'",
        package=error.name,
    ) from error


def run(
    recipe: str,
    folders: Sequence[Path],
    out: Path,
    *,
    weights: Path | None,
    start: Path | None,
    hold_out: tuple[str, ...],
    command: str,
    resume: bool,
    export_only: bool,
) -> bool:
    """Train, export, measure with the serving engine, write the card.

    Returns:
        Whether the run reached its end (or only its export was asked for).
    """
    console = Console()
    chosen = holding_out(load_recipe(recipe), hold_out)
    split = load(folders, chosen.data, chosen.input, chosen.seed)
    done = export_only or story.train(
        chosen, split, out, weights=weights, start=start, command=command, resume=resume, console=console
    )
    if done:
        texts = chosen.model_dump(include={"intended_use", "limits", "licence"})
        card = story.publish(out, split, console).model_copy(update=texts)
        measured(card, split, out, chosen.data.hold_out, command, console).write(out / story.CARD)
    return done


def holding_out(recipe: Recipe, rules: tuple[str, ...]) -> Recipe:
    """The recipe with other images held out, where any are named."""
    if not rules:
        return recipe
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"hold_out": rules})})


def measured(card: Card, split: Split, out: Path, rules: Sequence[str], command: str, console: Console) -> Card:
    """The card with its quality on the validation images and on those held out."""
    found: list[Measurement] = []
    validation, held_out = ([image.sample for image in side] for side in (split.validation, split.held_out))
    sides = {
        "validation frames": validation,
        f"{', '.join(rules)}, not seen in training": held_out,
        "unlabelled frames left over, not seen in training": split.spare,
    }
    for name, samples in sides.items():
        if samples:
            report = judge(out, card, samples, command=command, group=GROUP)
            show(console, name, report.figures())
            found += measurements(report, name, SOURCE)
    return card.model_copy(update={"quality": tuple(found)})
