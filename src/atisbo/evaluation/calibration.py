"""What is chosen on validation data: temperature, threshold, limit of uncertainty, limit of the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from atisbo.errors import Invalid

Rule = Literal["accuracy", "youden", "sensitivity"]
_TEMPERATURES: Final = (0.05, 20.0)
_GOLDEN: Final = (5**0.5 - 1) / 2
_TINY: Final = 1e-6


class GateChoice(NamedTuple):
    """A gate's threshold and what it does on the data it was chosen on."""

    threshold: float
    kept: float
    """Share of the own pictures that pass."""
    refused: float
    """Share of the foreign pictures that are refused."""


def fit_temperature(logits: ArrayLike, truth: ArrayLike) -> float:
    """The temperature T that makes softmax(logits / T) likeliest (Guo et al. 2017, temperature scaling).

    The mean negative log-likelihood is convex in 1/T, so a golden-section search over log T finds its only minimum;
    it looks between 0.05 and 20.

    Args:
        logits: (n, labels), the raw answers; or (n,) or (n, 1): one number each, to be activated by a sigmoid.
        truth: (n,), the number of the right label; 0 or 1 where there is one number each.

    Raises:
        Invalid: there is nothing to fit on.
    """
    raw, right = np.asarray(logits, float), np.asarray(truth, int)
    if raw.ndim == 1 or raw.shape[1] == 1:
        raw = np.stack([np.zeros(len(raw)), raw.reshape(-1)], axis=1)
    if not len(raw) or len(raw) != len(right):
        raise Invalid("calibration_empty", "There are no answers to calibrate on.")
    log_low, log_high = np.log(_TEMPERATURES)
    found = _smallest(lambda log: negative_log_likelihood(raw / np.exp(log), right), float(log_low), float(log_high))
    return float(np.exp(found))


def negative_log_likelihood(logits: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean of −log softmax(logits)[truth], nats.

    Args:
        logits: (n, labels).
        truth: (n,), the number of the right label.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(truth)), truth]).mean())


def _smallest(loss: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one minimum has it, by golden section (Kiefer 1953)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    while high - low > 1e-5:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    return (low + high) / 2


def choose_threshold(
    probabilities: ArrayLike, truth: ArrayLike, rule: Rule = "accuracy", *, specificity: float = 0.95
) -> float:
    """The operating threshold of a yes-or-no answer; ``probability >= threshold`` is a yes.

    Thresholds lie in the middle between neighbouring probabilities. Of equally good ones the nearest to 0.5 is taken.

    Args:
        probabilities: (n,), of the positive label, 0..1.
        truth: (n,), bool.
        rule: ``accuracy``: as many right as can be; ``youden``: largest sensitivity + specificity − 1 (Youden 1950);
            ``sensitivity``: as large as can be at no less than ``specificity``.

    Raises:
        Invalid: one of the two answers is missing among the truth.
    """
    scores, right = np.asarray(probabilities, float), np.asarray(truth, bool)
    if right.all() or not right.any():
        raise Invalid("calibration_one_sided", "A threshold needs images of both kinds.")
    order = np.argsort(scores, kind="stable")
    scores, right = scores[order], right[order]
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(scores) > 0) + 1, [len(scores)]])
    missed = np.concatenate([[0], np.cumsum(right)])[cuts]
    spared = np.concatenate([[0], np.cumsum(~right)])[cuts]
    sensitivity, specific = 1 - missed / right.sum(), spared / (~right).sum()
    if rule == "accuracy":
        worth = (spared + right.sum() - missed).astype(float)
    elif rule == "youden":
        worth = sensitivity + specific
    else:
        worth = np.where(specific >= specificity, sensitivity, -1.0)
    edges = np.concatenate([[0.0], scores, [1.0]])
    thresholds = ((edges[cuts] + edges[cuts + 1]) / 2).clip(_TINY, 1 - _TINY)
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    return float(thresholds[best[np.abs(thresholds[best] - 0.5).argmin()]])


def choose_mask_threshold(curves: ArrayLike) -> float:
    """The threshold of a segmentation with the highest mean Dice over images.

    Args:
        curves: (images, 255), what :func:`atisbo.evaluation.thresholds.dice_by_threshold` gives for each image.
    """
    mean = np.asarray(curves, float).mean(axis=0)
    best = np.flatnonzero(mean >= mean.max() - 1e-9)
    return float((best[len(best) // 2] + 1) / 256)


def choose_unsure(
    uncertainties: ArrayLike, wrong: ArrayLike, *, accuracy: float | None = None, share: float | None = None
) -> float | None:
    """The largest uncertainty at which an answer is still given; above it, it is "not sure".

    Args:
        uncertainties: (n,), 0..1, see :mod:`atisbo.domain.uncertainty`.
        wrong: (n,), bool, whether the answer is wrong.
        accuracy: answer as many as can be with at least this share of the answered ones right; or
        share: leave at most this share of the images unanswered.

    Returns:
        The limit, or ``None`` where none is needed or none suffices.
    """
    if (accuracy is None) == (share is None):
        raise ValueError("say either accuracy or share")
    order = np.argsort(np.asarray(uncertainties, float), kind="stable")
    values, mistakes = np.asarray(uncertainties, float)[order], np.asarray(wrong, bool)[order]
    answered = np.concatenate([np.flatnonzero(np.diff(values) > 0) + 1, [len(values)]])
    if accuracy is not None:
        good = answered[1 - np.cumsum(mistakes)[answered - 1] / answered >= accuracy - 1e-12]
        count = int(good.max()) if len(good) else 0
    else:
        count = int(answered[answered >= (1 - (share or 0)) * len(values) - 1e-9].min())
    if count in (0, len(values)):
        return None
    return float(((values[count - 1] + values[count]) / 2).clip(_TINY, 1 - _TINY))


def choose_gate(
    own: ArrayLike, foreign: Sequence[ArrayLike], *, keep: float = 0.97, refuse: float | None = None
) -> GateChoice:
    """The threshold below which a picture is refused as foreign.

    Where the two part, it lies in the middle, on the logit scale, between the value that ``keep`` of the own ones reach
    and the value that ``refuse`` of every foreign kind stay below: that leaves room on both sides for pictures unlike
    those it was chosen on, and many that are easily told apart do not hide a kind that is not. Where they overlap,
    ``keep`` of the own ones pass, whatever else passes with them.

    Args:
        own: (n,), the own kinds' probability of pictures that are of the application's kind, 0..1.
        foreign: (m,) of each other kind, the same of pictures that are not.
        keep: least share of the own ones that pass.
        refuse: share of each foreign kind that should not; as ``keep`` if None.
    """
    ours = np.sort(np.asarray(own, float))
    kinds = [np.sort(np.asarray(kind, float)) for kind in foreign]
    others = np.concatenate([np.empty(0), *kinds])
    reached = float(ours[int(np.floor((1 - keep) * len(ours) + 1e-9))])
    if len(others):
        share = keep if refuse is None else refuse
        exceeded = max(float(kind[int(np.ceil(share * len(kind) - 1e-9)) - 1]) for kind in kinds if len(kind))
        ends = np.clip([min(exceeded, reached), reached], _TINY, 1 - _TINY)
        threshold = float(1 / (1 + np.exp(-np.log(ends / (1 - ends)).mean())))
    else:
        threshold = reached / 2
    refused = float((others < threshold).mean()) if len(others) else float("nan")
    return GateChoice(threshold, float((ours >= threshold).mean()), refused)
