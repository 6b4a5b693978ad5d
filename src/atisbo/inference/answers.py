"""What comes out of a network, as probabilities in one shape, whatever file it came from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card

Raw = NDArray[np.float32]
Answers = dict[str, Raw]
"""``scores``: (n, labels, h, w) or (n, labels), probabilities, float32; perhaps ``embedding``: (n, d), float32."""


def shaped(raw: Raw, card: Card) -> Raw:
    """Activate and lay out a network's raw answer.

    A segmentation may have one more channel than labels, first, for the background (not with sigmoid). Its channels
    are last if the input's layout is NHWC. A classification into two may give one number, for ``positive``.

    Args:
        raw: (n, …), float32.

    Returns:
        (n, labels, h, w) or (n, labels), probabilities, float32.

    Raises:
        ValueError: the shape does not fit the card's task and labels; the sentence says both.
    """
    return _segmentation(raw, card) if card.task == "segmentation" else _classification(raw, card)


def _segmentation(raw: Raw, card: Card) -> Raw:
    labels = len(card.output.labels)
    maps = raw[:, np.newaxis] if raw.ndim == 3 else raw
    if raw.ndim == 4 and card.input.layout == "NHWC":
        maps = maps.transpose(0, 3, 1, 2)
    background = maps.ndim == 4 and maps.shape[1] == labels + 1 and card.output.activation != "sigmoid"
    if maps.ndim != 4 or not (maps.shape[1] == labels or background):
        raise ValueError(f"the network answers {_shape(raw)}, which is no map for each of {labels} labels")
    probabilities = activate(maps, card.output.activation)
    return np.ascontiguousarray(probabilities[:, 1:] if background else probabilities)


def _classification(raw: Raw, card: Card) -> Raw:
    output = card.output
    flat = raw.reshape(len(raw), -1)
    single = flat.shape[1] == 1 and len(output.labels) == 2 and output.positive and output.activation != "softmax"
    if raw.ndim < 2 or not (flat.shape[1] == len(output.labels) or single):
        raise ValueError(
            f"the network answers {_shape(raw)}, which is no number for each of {len(output.labels)} labels"
        )
    probabilities = activate(flat, output.activation)
    if not single:
        return probabilities
    pair = np.concatenate([1 - probabilities, probabilities], axis=1)
    return pair if output.positive == output.labels[1] else np.ascontiguousarray(pair[:, ::-1])


def activate(raw: Raw, activation: str) -> Raw:
    """Probabilities over axis 1, the labels."""
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(raw, -80, 80))), np.float32)
    if activation == "softmax":
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
    return raw


def _shape(raw: Raw) -> str:
    return " × ".join(["n", *(str(side) for side in raw.shape[1:])])
