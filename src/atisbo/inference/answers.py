"""What comes out of a network, as probabilities in one shape, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card, Gate, OutputSpec

Raw = NDArray[np.float32]
Answers = dict[str, Raw]
"""``scores``: (n, labels, h, w) or (n, labels), probabilities. Where the card names them also ``embedding``: (n, d);
``kinds``: (n, kinds), probabilities that add up to 1; ``structures``: (n, labels, h, w), probabilities. All float32."""

NAMED_BY: Final = {
    "scores": "output.scores",
    "embedding": "output.embedding",
    "kinds": "gate.output",
    "structures": "structures.output.scores",
}
"""The card's field that names the network's output of each answer."""


class Unfit(ValueError):
    """What the network gives is not what the card's ``field`` says."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


def wanted(card: Card) -> dict[str, str | None]:
    """The answers that the card asks for, each with the name of its output; None is the network's first one."""
    names = {"scores": card.output.scores}
    if card.output.embedding is not None:
        names["embedding"] = card.output.embedding
    if card.gate is not None:
        names["kinds"] = card.gate.output
    if card.structures is not None:
        names["structures"] = card.structures.output.scores
    return names


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers to one batch that was asked in parts, at least one, in their order."""
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read(raw: Mapping[str, Raw], card: Card) -> Answers:
    """Every answer in its shape, activated.

    Args:
        raw: what the network gave for each of :func:`wanted`, (n, …).

    Raises:
        Unfit: a shape is not what the card says; the sentence says both.
    """
    answers = {"scores": shaped(raw["scores"], card)}
    if "embedding" in raw:
        answers["embedding"] = _embedding(raw["embedding"])
    if card.gate is not None:
        answers["kinds"] = _kinds(raw["kinds"], card.gate)
    if card.structures is not None:
        outlined = card.structures.output
        answers["structures"] = _maps(raw["structures"], outlined, card.input.layout, "structures.output.labels")
    return answers


def shaped(raw: Raw, card: Card) -> Raw:
    """Activate and lay out a network's raw answer; the card's temperature divides it first.

    A segmentation may have one more channel than labels, first, for the background (not with sigmoid). Its channels
    are last if the input's layout is NHWC. A classification into two may give one number, for ``positive``.

    Args:
        raw: (n, …), float32.

    Returns:
        (n, labels, h, w) or (n, labels), probabilities, float32.

    Raises:
        Unfit: the shape does not fit the card's task and labels; the sentence says both.
    """
    if card.task == "segmentation":
        return _maps(raw, card.output, card.input.layout, "output.labels")
    return _classes(raw, card.output)


def _maps(raw: Raw, output: OutputSpec, layout: str, field: str) -> Raw:
    labels = len(output.labels)
    maps = raw[:, np.newaxis] if raw.ndim == 3 else raw
    if raw.ndim == 4 and layout == "NHWC":
        maps = maps.transpose(0, 3, 1, 2)
    background = maps.ndim == 4 and maps.shape[1] == labels + 1 and output.activation != "sigmoid"
    if maps.ndim != 4 or not (maps.shape[1] == labels or background):
        raise Unfit(field, f"the network answers {_shape(raw)}, which is no map for each of {labels} labels")
    probabilities = activate(maps, output.activation, output.temperature)
    return np.ascontiguousarray(probabilities[:, 1:] if background else probabilities)


def _classes(raw: Raw, output: OutputSpec) -> Raw:
    flat = raw.reshape(len(raw), -1)
    single = flat.shape[1] == 1 and len(output.labels) == 2 and output.positive and output.activation != "softmax"
    if raw.ndim < 2 or not (flat.shape[1] == len(output.labels) or single):
        reason = f"the network answers {_shape(raw)}, which is no number for each of {len(output.labels)} labels"
        raise Unfit("output.labels", reason)
    probabilities = activate(flat, output.activation, output.temperature)
    if not single:
        return probabilities
    pair = np.concatenate([1 - probabilities, probabilities], axis=1)
    return pair if output.positive == output.labels[1] else np.ascontiguousarray(pair[:, ::-1])


def _embedding(raw: Raw) -> Raw:
    flat = raw.reshape(len(raw), -1)
    if raw.ndim < 2 or flat.shape[1] != raw.shape[1]:
        raise Unfit("output.embedding", f"the network answers {_shape(raw)}, which is no vector for each picture")
    return flat


def _kinds(raw: Raw, gate: Gate) -> Raw:
    flat = raw.reshape(len(raw), -1)
    if raw.ndim < 2 or flat.shape[1] != len(gate.kinds):
        reason = f"the network answers {_shape(raw)}, which is no number for each of {len(gate.kinds)} kinds"
        raise Unfit("gate.kinds", reason)
    return activate(flat, "softmax")


def activate(raw: Raw, activation: str, temperature: float = 1.0) -> Raw:
    """Probabilities over axis 1, the labels.

    Args:
        temperature: divides the raw numbers first (Guo et al. 2017); 1 leaves them.
    """
    if activation == "none":
        return raw
    if temperature != 1:
        raw = raw / np.float32(temperature)
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-np.clip(raw, -80, 80))), np.float32)
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)


def _shape(raw: Raw) -> str:
    return " × ".join(["n", *(str(side) for side in raw.shape[1:])])
