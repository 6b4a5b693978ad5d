"""Figures of a classification, for any weighting of its images, so that all of them get bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from atisbo.evaluation.intervals import Figure, Values, Weights, mean, ratio

BINS: Final = 15
SPECIFICITY: Final = 0.95

MEANINGS: Final = {
    "accuracy": "Share of images with the right answer, at the card's threshold where it has one.",
    "balanced_accuracy": "Mean over classes of the share of their images with the right answer.",
    "f1_macro": "Mean over classes of F1, the harmonic mean of precision and recall.",
    "auc": "Area under the ROC curve; among several classes the mean of each against the rest.",
    "average_precision": "Area under the precision-recall curve in steps; among several classes the mean of each "
    "against the rest.",
    "sensitivity": "Share of the positive images that are called positive.",
    "specificity": "Share of the other images that are not called positive.",
    "sensitivity_at_95": "Largest sensitivity of any threshold at which at least 95 % of the other images are not "
    "called positive.",
    "ece": "Expected calibration error of the most probable class: 15 bins of equal width, mean over images of the "
    "difference between mean probability and share of right answers in their bin.",
    "ece_positive": "Expected calibration error of the positive class: mean probability against share, 15 bins.",
    "brier": "Mean squared difference between probabilities and truth; summed over classes if there are several.",
    "aurc": "Area under the risk-coverage curve: mean, over all shares of the most certain answers, of the share of "
    "wrong ones among them.",
    "unsure": "Share of images that are answered with “not sure”.",
    "accuracy_sure": "Share of right answers among the images that are not answered with “not sure”.",
}
"""What is said of a classification, by name."""


@dataclass(frozen=True)
class Choice:
    """What a network answered for one image, and what is true."""

    probabilities: tuple[float, ...]
    """One for each label."""
    truth: int
    answer: int
    uncertainty: float
    """0 certain, 1 could be either; see :mod:`atisbo.domain.uncertainty`."""
    unsure: bool | None = None
    """Whether the answer was withheld; ``None`` where the card has no limit."""


@dataclass(frozen=True)
class Choices:
    """The answers for many images, as arrays over images."""

    probabilities: NDArray[np.float64]
    """(n, labels)."""
    truth: NDArray[np.intp]
    answer: NDArray[np.intp]
    uncertainty: NDArray[np.float64]
    unsure: NDArray[np.float64]
    """1 or 0; nan where the card has no limit."""
    positive: int | None
    """The label that a threshold decides on, of two."""

    @classmethod
    def of(cls, choices: Sequence[Choice], positive: int | None = None) -> Choices:
        """Stack what was answered; at least one."""
        nothing = float("nan")
        return cls(
            np.array([one.probabilities for one in choices], float),
            np.array([one.truth for one in choices], np.intp),
            np.array([one.answer for one in choices], np.intp),
            np.array([one.uncertainty for one in choices], float),
            np.array([nothing if one.unsure is None else float(one.unsure) for one in choices]),
            positive,
        )

    @property
    def labels(self) -> int:
        return int(self.probabilities.shape[1])

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.answer == self.truth)

    def figures(self) -> dict[str, Figure]:
        """Every figure of :data:`MEANINGS` that these images have."""
        n, top = len(self.truth), self.probabilities.max(axis=1)
        likeliest = self.probabilities.argmax(axis=1) == self.truth
        found = {
            "accuracy": mean(self.right),
            "balanced_accuracy": Figure(n, lambda weights: np.nanmean(recalls(self.confusion(weights)), axis=1)),
            "f1_macro": Figure(n, lambda weights: np.nanmean(f1s(self.confusion(weights)), axis=1)),
            "auc": self._against_the_rest(auc),
            "average_precision": self._against_the_rest(average_precision),
            **self._of_two(),
            "ece": Figure(n, partial(calibration_error, top, likeliest)),
            "brier": mean(self._brier()),
            "aurc": Figure(n, partial(area_under_risk, self.uncertainty, ~self.right)),
        }
        if not np.isnan(self.unsure).all():
            sure = np.where(self.unsure > 0, np.nan, self.right.astype(float))
            found |= {"unsure": mean(self.unsure), "accuracy_sure": mean(sure)}
        return found

    def per_class(self) -> tuple[dict[str, Figure], ...]:
        """Precision, recall and F1 of each label."""
        names = {"precision": precisions, "recall": recalls, "f1": f1s}
        return tuple(
            {name: Figure(len(self.truth), partial(self._column, of, label)) for name, of in names.items()}
            for label in range(self.labels)
        )

    def confusion(self, weights: Weights) -> NDArray[np.float64]:
        """(draws, truth, answer): how often each pair occurs."""
        cells = np.zeros((len(self.truth), self.labels**2))
        cells[np.arange(len(self.truth)), self.truth * self.labels + self.answer] = 1
        return (weights @ cells).reshape(len(weights), self.labels, self.labels)

    def _column(self, of: Any, label: int, weights: Weights) -> Values:
        return np.asarray(of(self.confusion(weights))[:, label])

    def _against_the_rest(self, of: Any) -> Figure:
        labels = [self.positive] if self.positive is not None else range(self.labels)
        pairs = [(self.probabilities[:, label], self.truth == label) for label in labels]
        pairs = [(scores, truth) for scores, truth in pairs if truth.any() and not truth.all()]
        if not pairs:
            return Figure(0, lambda weights: np.full(len(weights), np.nan))
        return Figure(len(self.truth), lambda weights: np.mean([of(*pair, weights) for pair in pairs], axis=0))

    def _of_two(self) -> dict[str, Figure]:
        if self.positive is None:
            return {}
        scores, truth = self.probabilities[:, self.positive], self.truth == self.positive
        called = (self.answer == self.positive).astype(float)
        return {
            "sensitivity": mean(np.where(truth, called, np.nan)),
            "specificity": mean(np.where(truth, np.nan, 1 - called)),
            "sensitivity_at_95": Figure(len(truth), partial(sensitivity_at, scores, truth)),
            "ece_positive": Figure(len(truth), partial(calibration_error, scores, truth)),
        }

    def _brier(self) -> NDArray[np.float64]:
        """Of two classes their one number's square (Brier 1950, halved, as scikit-learn does), else the sum."""
        away = np.asarray(((self.probabilities - np.eye(self.labels)[self.truth]) ** 2).sum(axis=1))
        return away / 2 if self.labels == 2 else away


def recalls(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, labels): right answers among those that are of the label; nan where none is."""
    return ratio(np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=2))


def precisions(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, labels): right answers among those that are called by the label; nan where none is."""
    return ratio(np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=1))


def f1s(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """(draws, labels): 2·TP / (2·TP + FP + FN); nan where the label neither occurs nor is answered."""
    return ratio(2 * np.diagonal(confusion, axis1=1, axis2=2), confusion.sum(axis=1) + confusion.sum(axis=2))


def auc(scores: NDArray[Any], truth: NDArray[np.bool_], weights: Weights) -> Values:
    """Area under the ROC curve: chance that a true one scores higher than another, ties half (Hanley, McNeil 1982).

    Args:
        scores: (n,).
        truth: (n,), bool.
    """
    true, other = _by_score(scores, truth, weights)
    below = other.cumsum(axis=1) - other / 2
    return ratio((true * below).sum(axis=1), true.sum(axis=1) * other.sum(axis=1))


def average_precision(scores: NDArray[Any], truth: NDArray[np.bool_], weights: Weights) -> Values:
    """Sum over thresholds of precision times the gain in recall, without interpolation, as scikit-learn does."""
    true, other = (side[:, ::-1] for side in _by_score(scores, truth, weights))
    hits = true.cumsum(axis=1)
    precision = np.nan_to_num(ratio(hits, hits + other.cumsum(axis=1)))
    return ratio((precision * true).sum(axis=1), true.sum(axis=1))


def sensitivity_at(
    scores: NDArray[Any], truth: NDArray[np.bool_], weights: Weights, specificity: float = SPECIFICITY
) -> Values:
    """Largest sensitivity of any threshold whose specificity is no less than this."""
    true, other = (side[:, ::-1].cumsum(axis=1) for side in _by_score(scores, truth, weights))
    allowed = other <= (1 - specificity + 1e-12) * other[:, -1:]
    found = ratio(np.where(allowed, true, 0.0).max(axis=1), true[:, -1])
    return np.where(other[:, -1] > 0, found, np.nan)


def _by_score(scores: NDArray[Any], truth: NDArray[np.bool_], weights: Weights) -> tuple[Weights, Weights]:
    """Weight of the true ones and of the others at each distinct score, lowest first: (draws, scores) each."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(scores[order]) > 0]))
    drawn, right = weights[:, order], truth[order]
    return (
        np.add.reduceat(drawn * right, starts, axis=1),
        np.add.reduceat(drawn * ~right, starts, axis=1),
    )


def bins_of(probabilities: NDArray[Any], bins: int = BINS) -> NDArray[np.intp]:
    """Which of the bins [0, 1/b), [1/b, 2/b) … [1 − 1/b, 1] each lies in."""
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.searchsorted(edges, probabilities, side="right")


def calibration_error(
    probabilities: NDArray[Any], happened: NDArray[np.bool_], weights: Weights, bins: int = BINS
) -> Values:
    """Expected calibration error: Σ over bins of (images in it / all) · |mean probability − share that happened|.

    Naeini et al. 2015; Guo et al. 2017 with 15 bins of equal width.

    Args:
        probabilities: (n,), 0..1, of the event.
        happened: (n,), bool.
    """
    member = np.eye(bins)[bins_of(probabilities, bins)]
    gap = weights @ (member * (np.asarray(probabilities, float) - happened)[:, np.newaxis])
    return np.asarray(ratio(np.abs(gap).sum(axis=1), weights.sum(axis=1)))


def area_under_risk(uncertainty: NDArray[Any], wrong: NDArray[np.bool_], weights: Weights) -> Values:
    """Area under the risk-coverage curve (Geifman, El-Yaniv 2017); equally uncertain answers come in together."""
    mistakes, fine = _by_score(uncertainty, wrong, weights)
    coming = mistakes + fine
    risk = np.nan_to_num(ratio(mistakes.cumsum(axis=1), coming.cumsum(axis=1)))
    return ratio((risk * coming).sum(axis=1), coming.sum(axis=1))
