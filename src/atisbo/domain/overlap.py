"""How well two masks agree, from four counts of pixels."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """Pixels of one image (or of several, added up), by what was predicted and what is true."""

    tp: int
    fp: int
    fn: int
    tn: int

    def __add__(self, other: object) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))

    @property
    def empty(self) -> bool:
        """Neither mask has a pixel."""
        return self.tp + self.fp + self.fn == 0


def dice(counts: Counts) -> float:
    """Dice coefficient 2·TP / (2·TP + FP + FN); 1.0 where both masks are empty (Dice, 1945)."""
    return 1.0 if counts.empty else 2 * counts.tp / (2 * counts.tp + counts.fp + counts.fn)


def iou(counts: Counts) -> float:
    """Intersection over union TP / (TP + FP + FN); 1.0 where both masks are empty (Jaccard, 1901)."""
    return 1.0 if counts.empty else counts.tp / (counts.tp + counts.fp + counts.fn)


def accuracy(counts: Counts) -> float:
    """Share of pixels that are right, (TP + TN) / all."""
    return (counts.tp + counts.tn) / sum(counts)


def precision(counts: Counts) -> float:
    """Share of the predicted pixels that are true, TP / (TP + FP); nan where nothing is predicted."""
    predicted = counts.tp + counts.fp
    return counts.tp / predicted if predicted else float("nan")


def recall(counts: Counts) -> float:
    """Share of the true pixels that are predicted, TP / (TP + FN); nan where nothing is true."""
    true = counts.tp + counts.fn
    return counts.tp / true if true else float("nan")


def specificity(counts: Counts) -> float:
    """Share of the background that is left alone, TN / (TN + FP); nan where there is no background."""
    background = counts.tn + counts.fp
    return counts.tn / background if background else float("nan")
