"""``atisbo crossval``: k runs, one judgement over what each said of the part it had not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from atisbo.cli.judge import show
from atisbo.cli.train import Asked, calibrated, chosen, varied
from atisbo.domain.cards import Interval
from atisbo.evaluation.classes import Choice, Choices
from atisbo.evaluation.intervals import Figure, draw, interval, mean
from atisbo.training.crossval import Crossed, crossval
from atisbo.training.data import read
from atisbo.training.devices import place
from atisbo.training.recipe import Recipe, load_recipe

Rows = dict[str, NDArray[Any]]
JUDGEMENT = "judgement.json"


def run(asked: Asked, k: int, leave_out: str | None = None) -> bool:
    """Train the folds that are not done yet, then judge them together.

    Returns:
        Whether all folds are done; False after Ctrl-C, and the same call goes on.
    """
    console = Console()
    recipe = varied(load_recipe(asked.recipe), asked)
    if leave_out:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"leave_out": leave_out})})
    images, _ = read(asked.folders, recipe)
    with place(asked.device) as here:
        crossed = crossval(
            recipe,
            images,
            k,
            asked.out,
            weights=asked.weights,
            start=asked.start,
            command=asked.command,
            place=here,
            console=console,
        )
        if crossed is None:
            return not here.first
    judged(recipe, crossed, asked, console)
    return True


def judged(recipe: Recipe, crossed: Crossed, asked: Asked, console: Console) -> None:
    """Print and write figures with intervals over all out-of-fold answers, and the chosen epoch."""
    figures = out_of_fold(recipe, crossed.rows)
    show(console, f"out of fold, epoch {crossed.epoch} of {recipe.train.epochs}", figures)
    said: dict[str, Any] = {
        "command": asked.command,
        "epoch": crossed.epoch,
        "figures": {name: found.model_dump() for name, found in figures.items()},
        "folds": {
            str(number): {name: curve[crossed.epoch - 1] for name, curve in curves["validation"].items()}
            for number, curves in crossed.curves.items()
        },
    }
    origins = sorted(set(crossed.rows["origin"].tolist()))
    if 1 < len(origins) < 50:
        parts = {name: _only(crossed.rows, crossed.rows["origin"] == name) for name in origins}
        found = {name: out_of_fold(recipe, part, fitted=crossed.rows) for name, part in parts.items()}
        said["origins"] = {name: {key: value.model_dump() for key, value in of.items()} for name, of in found.items()}
    if recipe.task == "classification":
        output = calibrated(recipe, crossed.rows["logits"], crossed.rows["label"].astype(np.int64))
        said["output"] = output.model_dump(mode="json")
        console.print(f"temperature {output.temperature:.3f}, threshold {output.threshold:.3f}", highlight=False)
    path = Path(asked.out) / JUDGEMENT
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    console.print(f"Train for {crossed.epoch} epochs. Written: {path}", highlight=False)


def out_of_fold(recipe: Recipe, rows: Rows, *, fitted: Rows | None = None) -> dict[str, Interval]:
    """Figures with intervals, groups drawn together.

    Temperature and threshold of each fold's answers are chosen on the other folds', so that they are judged on images
    which they were not chosen on.

    Args:
        fitted: the rows to choose on, if they are others.
    """
    figures: dict[str, Figure] = {name: mean(rows[name]) for name in ("iou", "dice") if name in rows}
    if recipe.task == "classification":
        figures |= choices(recipe, rows, rows if fitted is None else fitted).figures()
    else:
        figures["accuracy"] = mean(rows["accuracy"])
    weights = draw(len(rows["name"]), rows["group"].tolist())
    found = {name: interval(figure, weights) for name, figure in figures.items()}
    return {name: value for name, value in found.items() if value is not None}


def choices(recipe: Recipe, rows: Rows, fitted: Rows) -> Choices:
    """Every fold's answers with what the other folds chose."""
    answers: list[Choice] = []
    positive = recipe.output.labels.index(recipe.output.positive) if recipe.output.positive else None
    for fold in np.unique(rows["fold"]):
        own, others = _only(rows, rows["fold"] == fold), _only(fitted, fitted["fold"] != fold)
        output = calibrated(recipe, others["logits"], others["label"].astype(np.int64))
        probabilities, answer, unsure = chosen(output, own["logits"])
        for share, said, doubt, truth in zip(probabilities, answer, unsure, own["label"], strict=True):
            withheld = None if output.unsure_above is None else bool(doubt > output.unsure_above)
            answers.append(Choice(tuple(share.tolist()), int(truth), int(said), float(doubt), withheld))
    return Choices.of(answers, positive)


def _only(rows: Rows, which: NDArray[np.bool_]) -> Rows:
    return {name: values[which] for name, values in rows.items()}
