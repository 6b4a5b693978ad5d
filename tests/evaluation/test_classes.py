from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics

from atisbo.evaluation.classes import Choice, Choices, calibration_error, sensitivity_at
from atisbo.evaluation.intervals import draw, interval


def answered(labels: int, count: int = 400, *, seed: int = 0, steps: int = 64) -> Choices:
    """Choices with many ties, none on the border of a bin; of two, label 1 is decided on at 0.4."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, count)
    raw = random.normal(0, 1, (count, labels)) + 1.2 * np.eye(labels)[truth]
    shares = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    shares = (shares * steps).round() / steps
    shares[:, 0] = 1 - shares[:, 1:].sum(1)
    answer = (shares[:, 1] >= 0.4).astype(int) if labels == 2 else shares.argmax(1)
    doubt = 1 - shares.max(1)
    return Choices(shares, truth, answer, doubt, np.full(count, np.nan), 1 if labels == 2 else None)


def values(choices: Choices) -> dict[str, float]:
    once = np.ones((1, len(choices.truth)))
    return {name: float(figure.of(once)[0]) for name, figure in choices.figures().items()}


def test_two_classes_as_scikit_learn_counts_them() -> None:
    choices = answered(2)
    truth, answer, scores = choices.truth, choices.answer, choices.probabilities[:, 1]
    false_alarms, found, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    confident, share = choices.probabilities.max(1), (choices.probabilities.argmax(1) == truth)
    assert values(choices) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, answer),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, answer),
            "f1_macro": metrics.f1_score(truth, answer, average="macro"),
            "auc": metrics.roc_auc_score(truth, scores),
            "average_precision": metrics.average_precision_score(truth, scores),
            "sensitivity": metrics.recall_score(truth, answer),
            "specificity": metrics.recall_score(1 - truth, 1 - answer),
            "sensitivity_at_95": found[1 - false_alarms >= 0.95].max(),
            "ece_positive": by_monai(scores, truth),
            "ece": by_monai(confident, share),
            "brier": metrics.brier_score_loss(truth, scores),
            "aurc": risk(choices),
        },
        abs=1e-6,
    )


def test_five_classes_as_scikit_learn_counts_them() -> None:
    choices = answered(5)
    truth, answer, shares = choices.truth, choices.answer, choices.probabilities
    assert values(choices) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(truth, answer),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, answer),
            "f1_macro": metrics.f1_score(truth, answer, average="macro"),
            "auc": metrics.roc_auc_score(truth, shares, multi_class="ovr"),
            "average_precision": metrics.average_precision_score(np.eye(5)[truth], shares),
            "ece": by_monai(shares.max(1), shares.argmax(1) == truth),
            "brier": metrics.brier_score_loss(truth, shares),
            "aurc": risk(choices),
        },
        abs=1e-6,
    )


def test_each_class_and_the_confusion_matrix_as_scikit_learn_counts_them() -> None:
    choices, once = answered(4), np.ones((1, 400))
    assert (choices.confusion(once)[0] == metrics.confusion_matrix(choices.truth, choices.answer)).all()
    theirs = metrics.precision_recall_fscore_support(choices.truth, choices.answer)
    for label, ours in enumerate(choices.per_class()):
        assert [float(ours[name].of(once)[0]) for name in ("precision", "recall", "f1")] == pytest.approx(
            [column[label] for column in theirs[:3]]
        )


def by_monai(probabilities: np.ndarray, happened: np.ndarray) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics import calibration_binning
    sides = (torch.from_numpy(np.asarray(side, np.float64))[None, None] for side in (probabilities, happened))
    said, share, counts = (side.flatten().numpy() for side in calibration_binning(*sides, num_bins=15, right=True))
    return float(np.nansum(counts * np.abs(said - share)) / counts.sum())


def risk(choices: Choices) -> float:
    """The mean risk over every coverage, one answer after the other; ties share their group's."""
    limits = choices.uncertainty
    return float(np.mean([1 - choices.right[limits <= limit].mean() for limit in limits]))


def test_the_calibration_error_by_hand() -> None:
    said = np.array([0.95, 0.95, 0.95, 0.95, 0.35, 0.35])
    happened = np.array([1, 1, 1, 0, 0, 1], bool)
    expected = 4 / 6 * abs(0.95 - 0.75) + 2 / 6 * abs(0.35 - 0.5)
    assert calibration_error(said, happened, np.ones((1, 6)))[0] == pytest.approx(expected)


def test_a_weight_is_a_repetition() -> None:
    """Every figure of a drawn sample is that of the images written out as often as they were drawn."""
    for labels in (2, 5):
        choices = answered(labels, 60)
        weights = draw(60, draws=3).weights
        figures = choices.figures()
        for line in weights:
            rows = np.repeat(np.arange(60), line.astype(int))
            written = Choices(
                choices.probabilities[rows],
                choices.truth[rows],
                choices.answer[rows],
                choices.uncertainty[rows],
                choices.unsure[rows],
                choices.positive,
            )
            expected = values(written)
            assert {n: float(f.of(line[np.newaxis])[0]) for n, f in figures.items()} == pytest.approx(expected)


def test_where_a_class_is_missing_its_figures_are_too() -> None:
    choices = answered(2)
    alone = Choices(*(part[choices.truth == 0] for part in (choices.probabilities, choices.truth, choices.answer,
                    choices.uncertainty, choices.unsure)), positive=1)  # fmt: skip
    drawn = draw(len(alone.truth), draws=50)
    found = {name: interval(figure, drawn) for name, figure in alone.figures().items()}
    assert found["auc"] is None
    assert found["sensitivity"] is None
    assert found["specificity"] is not None
    assert math.isnan(sensitivity_at(np.array([0.1]), np.array([True]), np.ones((1, 1)))[0])


def test_answers_that_are_withheld_are_counted() -> None:
    parts = [Choice((0.9, 0.1), 0, 0, 0.2, False), Choice((0.6, 0.4), 1, 0, 0.8, True)]
    found = values(Choices.of(parts))
    assert (found["unsure"], found["accuracy_sure"], found["accuracy"]) == (0.5, 1.0, 0.5)
    assert "unsure" not in values(Choices.of([Choice((0.9, 0.1), 0, 0, 0.2)]))


def test_a_thousand_draws_take_a_moment() -> None:
    choices, began = answered(5, 1600, steps=10**6), time.perf_counter()
    drawn = draw(1600)
    found = {name: interval(figure, drawn) for name, figure in choices.figures().items()}
    assert all(found.values())
    assert time.perf_counter() - began < 20
