"""What a card's output means, chosen on answers about images that training did not see, and how good those are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Interval, OutputSpec
from atisbo.domain.uncertainty import uncertainty, uncertainty_of_many
from atisbo.evaluation.calibration import choose_threshold, choose_unsure, fit_temperature
from atisbo.evaluation.classes import Choice, Choices
from atisbo.evaluation.intervals import Figure, draw, interval, mean
from atisbo.training.export import softmax
from atisbo.training.recipe import Recipe

Rows = dict[str, NDArray[Any]]
"""Columns of what folds said, one entry for each image; see :class:`atisbo.training.crossval.Crossed`."""


def calibrated(recipe: Recipe, logits: NDArray[np.float64], truth: NDArray[np.int64]) -> OutputSpec:
    """The recipe's output with temperature, threshold and limit of uncertainty chosen on answers.

    Args:
        logits: (n, classes), raw; of outlines (n, 1), one for each pixel.
        truth: (n,), numbers of the right classes; of outlines 1 where the pixel shows the object.
    """
    output, wanted = recipe.output, recipe.calibration
    if wanted.temperature:
        output = output.model_copy(update={"temperature": fit_temperature(logits, truth)})
    if output.positive is not None and wanted.threshold != "half":
        positive = output.labels.index(output.positive)
        scores, _, _ = chosen(output, logits)
        threshold = choose_threshold(scores[:, positive], truth == positive, wanted.threshold)
        output = output.model_copy(update={"threshold": threshold})
    if recipe.task == "classification" and (wanted.answered_accuracy or wanted.unsure_share):
        _, answer, unsure = chosen(output, logits)
        share = None if wanted.answered_accuracy else wanted.unsure_share
        limit = choose_unsure(unsure, answer != truth, accuracy=wanted.answered_accuracy, share=share)
        output = output.model_copy(update={"unsure_above": limit})
    return output


def chosen(
    output: OutputSpec, logits: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Probabilities (n, classes), the answer (n,) and its uncertainty (n,), as serving gives them."""
    probabilities = softmax((logits / output.temperature).astype(np.float32)).astype(float)
    if output.positive is None:
        return probabilities, probabilities.argmax(1), np.array([uncertainty_of_many(row) for row in probabilities])
    positive = output.labels.index(output.positive)
    scores = probabilities[:, positive]
    answer = np.where(scores >= output.threshold, positive, 1 - positive)
    return probabilities, answer, np.array([uncertainty(score, output.threshold) for score in scores])


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
    drawn = draw(len(rows["name"]), rows["group"].tolist())
    found = {name: interval(figure, drawn) for name, figure in figures.items()}
    return {name: value for name, value in found.items() if value is not None}


def choices(recipe: Recipe, rows: Rows, fitted: Rows) -> Choices:
    """Every fold's answers with what the other folds chose."""
    answers: list[Choice] = []
    positive = recipe.output.labels.index(recipe.output.positive) if recipe.output.positive else None
    for fold in np.unique(rows["fold"]):
        own, others = only(rows, rows["fold"] == fold), only(fitted, fitted["fold"] != fold)
        output = calibrated(recipe, others["logits"], others["label"].astype(np.int64))
        probabilities, answer, unsure = chosen(output, own["logits"])
        for share, said, doubt, truth in zip(probabilities, answer, unsure, own["label"], strict=True):
            withheld = None if output.unsure_above is None else bool(doubt > output.unsure_above)
            answers.append(Choice(tuple(share.tolist()), int(truth), int(said), float(doubt), withheld))
    return Choices.of(answers, positive)


def only(rows: Rows, which: NDArray[np.bool_]) -> Rows:
    """Some of the images."""
    return {name: values[which] for name, values in rows.items()}
