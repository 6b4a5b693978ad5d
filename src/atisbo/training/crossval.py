"""Cross-validation: one run per fold, their mean curves, the epoch to stop at, and what was said out of fold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from atisbo.errors import Misconfigured
from atisbo.imaging.folders import data_sha256
from atisbo.training import checkpoint, story
from atisbo.training.curves import Curves, draw_curves
from atisbo.training.data import Cached
from atisbo.training.devices import Place
from atisbo.training.loop import ROWS
from atisbo.training.recipe import Recipe
from atisbo.training.split import GROUP, ORIGIN, Split, folds

OUT_OF_FOLD, SUMMARY = "out_of_fold.npz", "folds.json"


@dataclass(frozen=True)
class Crossed:
    """What k runs said together."""

    epoch: int
    """The best of the mean curve, counted from 1."""
    curves: dict[str, Curves]
    """``mean`` and each fold's, by number from 1."""
    rows: dict[str, NDArray[Any]]
    """One entry per image: ``name``, ``fold``, ``group``, ``origin``, the figures and, with classes, ``logits`` and
    ``label``; at that epoch, by the fold that did not train on it."""
    learnt: int
    """Images that a fold learnt from, on average."""


def crossval(
    recipe: Recipe,
    images: Sequence[Cached],
    k: int,
    out: Path,
    *,
    weights: Path | None,
    start: Path | None = None,
    command: str,
    place: Place | None = None,
    console: Console | None = None,
) -> Crossed | None:
    """Train every fold to the recipe's last epoch; folds that are done are not done again, a broken one goes on.

    Returns:
        None after Ctrl-C; the same call goes on from there.

    Raises:
        Misconfigured: the folder belongs to another recipe, other data or another number of folds.
    """
    console = console or Console()
    recipe = recipe.model_copy(update={"train": recipe.train.model_copy(update={"patience": 0})})
    parts = folds(images, recipe.data, k, recipe.seed)
    _claim(out, recipe, images, k)
    for number, part in enumerate(parts, start=1):
        folder = out / f"fold{number}"
        if _finished(folder, recipe):
            continue
        console.rule(f"fold {number} of {len(parts)}")
        resume = (folder / checkpoint.CHECKPOINT).is_file()
        if not story.train(
            recipe,
            part,
            folder,
            weights=weights,
            start=start,
            command=command,
            resume=resume,
            keep_rows=True,
            place=place,
            console=console,
        ):
            return None
        _slim(folder)
    if place is not None and not place.first:
        return None
    return gathered(recipe, parts, out)


def _claim(out: Path, recipe: Recipe, images: Sequence[Cached], k: int) -> None:
    """Write down whose folder this is, or see that it is ours."""
    ours = {
        "recipe": recipe.model_dump(mode="json"),
        "data_sha256": data_sha256(image.sample for image in images),
        "k": k,
    }
    path = out / "crossval.json"
    if path.is_file() and json.loads(path.read_text("utf-8")) != ours:
        raise Misconfigured(
            "crossval_other",
            "{path} was made with another recipe, other data or another -k. Use the same, or choose another --out.",
            path=path,
        )
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(ours, indent=1) + "\n", encoding="utf-8")


def _finished(folder: Path, recipe: Recipe) -> bool:
    return (folder / ROWS.format(epoch=recipe.train.epochs)).is_file() and not (
        folder / checkpoint.CHECKPOINT
    ).is_file()


def _slim(folder: Path) -> None:
    """A finished fold needs no checkpoint."""
    (folder / checkpoint.CHECKPOINT).unlink(missing_ok=True)


def gathered(recipe: Recipe, parts: Sequence[Split], out: Path) -> Crossed:
    """Mean curves, chosen epoch and out-of-fold rows of finished folds, written to ``out``."""
    curves: dict[str, Curves] = {}
    for number in range(1, len(parts) + 1):
        curves[str(number)] = json.loads((out / f"fold{number}" / "curves.json").read_text("utf-8"))
    mean = mean_curves(list(curves.values()))
    values = np.array(mean["validation"][recipe.watch])
    epoch = int((values.argmin() if recipe.watch == "loss" else values.argmax()) + 1)
    rows = _rows(parts, out, epoch)
    crossed = Crossed(epoch, {"mean": mean, **curves}, rows, round(np.mean([len(part.train) for part in parts])))
    np.savez_compressed(out / OUT_OF_FOLD, allow_pickle=False, labels=np.array(recipe.output.labels), **rows)
    summary = {"epoch": epoch, "watched": recipe.watch, "curves": crossed.curves}
    (out / SUMMARY).write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    sides = {f"fold {number}": found["validation"] for number, found in curves.items()}
    draw_curves({"mean": mean["validation"], **sides}, out / "curves.png", mark=epoch)
    return crossed


def mean_curves(curves: Sequence[Curves]) -> Curves:
    """The mean over folds of every figure at every epoch."""
    return {
        side: {
            name: np.mean([curve[side][name] for curve in curves], axis=0).round(5).tolist() for name in curves[0][side]
        }
        for side in curves[0]
    }


def _rows(parts: Sequence[Split], out: Path, epoch: int) -> dict[str, NDArray[Any]]:
    """The folds' validation rows at an epoch, one after the other."""
    found: dict[str, list[NDArray[Any]]] = {}
    for number, part in enumerate(parts, start=1):
        samples = [image.sample for image in part.validation]
        own: dict[str, NDArray[Any]] = {
            "name": np.array([sample.name for sample in samples]),
            "fold": np.full(len(samples), number),
            "group": np.array([sample.columns[GROUP] for sample in samples]),
            "origin": np.array([sample.columns[ORIGIN] for sample in samples]),
        }
        with np.load(out / f"fold{number}" / ROWS.format(epoch=epoch), allow_pickle=False) as stored:
            own |= {name: stored[name] for name in stored.files}
        for name, values in own.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def read_out_of_fold(path: Path, labels: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The rows that a cross-validation wrote: logits (n, classes), right classes ``label`` (n,), and more.

    Raises:
        Misconfigured: the file is missing, or of other classes.
    """
    if not path.is_file():
        raise Misconfigured("out_of_fold_missing", "{path} is missing. atisbo crossval writes it.", path=path)
    with np.load(path, allow_pickle=False) as stored:
        if "logits" not in stored.files or stored["labels"].tolist() != list(labels):
            raise Misconfigured("out_of_fold_other", "{path} holds no answers about these classes.", path=path)
        rows = {name: stored[name] for name in stored.files if name != "labels"}
    return rows | {"logits": rows["logits"].astype(np.float64), "label": rows["label"].astype(np.int64)}
