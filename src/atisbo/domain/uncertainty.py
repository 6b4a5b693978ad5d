"""How far an answer is from certain, on one scale for every task: 0 certain, 1 could be either."""

from __future__ import annotations

from collections.abc import Sequence


def uncertainty(probability: float, threshold: float) -> float:
    """Of a yes-or-no answer: 1 at the threshold, falling linearly to 0 where the probability is 0 or 1."""
    if probability < threshold:
        return probability / threshold
    return (1 - probability) / (1 - threshold)


def uncertainty_of_many(probabilities: Sequence[float]) -> float:
    """Of a choice among several labels: 0 where one has it all, 1 where all are equally probable."""
    count = len(probabilities)
    return (1 - max(probabilities)) * count / (count - 1) if count > 1 else 0.0
