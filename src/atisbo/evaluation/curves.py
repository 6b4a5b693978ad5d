"""The curves behind a classification's figures, as points to draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atisbo.evaluation.classes import BINS, bins_of
from atisbo.evaluation.intervals import Draws, edges, mean

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Bin:
    """The images whose probability lies in one bin of a reliability diagram."""

    probability: float
    """Their mean probability."""
    share: float
    """Share of them where it happened."""
    edges: tuple[float, float] | None
    """Its interval; None where all of them belong together."""
    n: int


def roc(scores: NDArray[Any], truth: NDArray[np.bool_]) -> Points:
    """Share of false alarms and of true ones found, for every threshold from the highest to the lowest.

    Args:
        scores: (n,).
        truth: (n,), bool; both kinds are there.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.concatenate([np.diff(scores[order]) < 0, [True]]))
    found, alarms = truth[order].cumsum()[ends] / truth.sum(), (~truth)[order].cumsum()[ends] / (~truth).sum()
    return [(0.0, 0.0), *((float(x), float(y)) for x, y in zip(alarms, found, strict=True))]


def reliability(probabilities: NDArray[Any], happened: NDArray[np.bool_], drawn: Draws) -> list[Bin]:
    """Mean probability and share that happened, of the bins that are not empty (DeGroot, Fienberg 1983).

    Args:
        probabilities: (n,), 0..1, of the event.
        happened: (n,), bool.
        drawn: rows, for the intervals.
    """
    places = bins_of(probabilities, BINS)
    found = []
    for place in np.unique(places):
        inside = places == place
        shares = mean(np.where(inside, happened.astype(float), np.nan))
        values = shares.of(drawn.weights)
        limits = (0.0, 1.0) if np.isnan(values[1:]).all() else edges(values, drawn.groups(shares))
        found.append(Bin(float(probabilities[inside].mean()), float(values[0]), limits, shares.n))
    return found


def risk_coverage(uncertainty: NDArray[Any], wrong: NDArray[np.bool_]) -> Points:
    """Share of images answered, most certain first, and share of wrong ones among them (El-Yaniv, Wiener 2010).

    Args:
        uncertainty: (n,); equally uncertain answers come in together.
        wrong: (n,), bool.
    """
    order = np.argsort(uncertainty, kind="stable")
    ends = np.flatnonzero(np.concatenate([np.diff(uncertainty[order]) > 0, [True]]))
    answered = ends + 1
    risk = wrong[order].cumsum()[ends] / answered
    return [(float(x), float(y)) for x, y in zip(answered / len(uncertainty), risk, strict=True)]
