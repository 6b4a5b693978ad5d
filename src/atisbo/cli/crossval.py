"""``atisbo crossval``: k runs, one judgement over what each said of the part it had not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from atisbo.cli.judge import show
from atisbo.cli.operating import calibrated, only, out_of_fold
from atisbo.cli.outputs import make_out
from atisbo.cli.train import Asked, varied
from atisbo.domain.cards import Interval
from atisbo.training.crossval import Crossed, crossval
from atisbo.training.curves import LEARNING, Point, write_learning
from atisbo.training.data import read
from atisbo.training.devices import place
from atisbo.training.recipe import Recipe, load_recipe

JUDGEMENT = "judgement.json"


def run(asked: Asked, k: int, leave_out: str | None = None, shares: Sequence[float] = ()) -> bool:
    """Train the folds that are not done yet, then judge them together.

    Args:
        shares: of the training images to learn from, each in a folder of its own and drawn as a learning curve; all of
            them where there are none.

    Returns:
        Whether all folds are done; False after Ctrl-C, and the same call goes on.
    """
    if not shares:
        return _run(asked, k, leave_out)
    points = []
    for share in sorted(set(shares)):
        part = replace(asked, share=share, out=asked.out / f"share-{share:g}")
        if not _run(part, k, leave_out):
            return False
        said = json.loads((part.out / JUDGEMENT).read_text("utf-8"))
        points.append(Point(share, said["images"], {name: Interval(**one) for name, one in said["figures"].items()}))
    write_learning(asked.out, points)
    Console().print(f"Written: {asked.out / LEARNING}.json, {asked.out / LEARNING}.png", highlight=False)
    return True


def _run(asked: Asked, k: int, leave_out: str | None) -> bool:
    console = Console()
    recipe = varied(load_recipe(asked.recipe), asked)
    if leave_out:
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"leave_out": leave_out})})
    make_out(asked.out)
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
        "images": crossed.learnt,
        "figures": {name: found.model_dump() for name, found in figures.items()},
        "folds": {
            str(number): {name: curve[crossed.epoch - 1] for name, curve in curves["validation"].items()}
            for number, curves in crossed.curves.items()
        },
    }
    origins = sorted(set(crossed.rows["origin"].tolist()))
    if 1 < len(origins) < 50:
        parts = {name: only(crossed.rows, crossed.rows["origin"] == name) for name in origins}
        found = {name: out_of_fold(recipe, part, fitted=crossed.rows) for name, part in parts.items()}
        said["origins"] = {name: {key: value.model_dump() for key, value in of.items()} for name, of in found.items()}
    if recipe.task == "classification":
        output = calibrated(recipe, crossed.rows["logits"], crossed.rows["label"].astype(np.int64))
        said["output"] = output.model_dump(mode="json")
        console.print(f"temperature {output.temperature:.3f}, threshold {output.threshold:.3f}", highlight=False)
    path = Path(asked.out) / JUDGEMENT
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    console.print(f"Train for {crossed.epoch} epochs. Written: {path}", highlight=False)
