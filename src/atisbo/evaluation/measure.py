"""Asks a network about every image and compares what it says with what is true."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card, Ratio
from atisbo.errors import Invalid
from atisbo.evaluation.classes import Choice
from atisbo.evaluation.metrics import object_size, outlined
from atisbo.evaluation.retrieval import finds_itself, neighbours
from atisbo.evaluation.rows import Row, groups
from atisbo.evaluation.structures import structured
from atisbo.evaluation.thresholds import dice_by_threshold
from atisbo.imaging.folders import Mask, Sample, read_mask

SIZE: Final = "object size"
"""The column in which a row says how large its object is."""
FOLDER: Final = "folder"
MEANINGS: Final = {
    "kept": "Share of these images that are not refused as being of another kind than the application's.",
    "refused": "Share of the foreign images that are refused.",
}
Item = TypeVar("Item")
Made = TypeVar("Made")
Vector = NDArray[np.float32]
Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """What a network says of an image, as the service would, at the image's own size."""

    size: tuple[int, int]
    """Height and width, pixels."""
    uncertainty: float
    mask: Mask | None = None
    """Segmentation: (height, width), bool."""
    probabilities: NDArray[Any] | None = None
    """Segmentation: (height, width), 0..1; classification: (labels,)."""
    answer: int | None = None
    """Classification: the number of the label."""
    unsure: bool | None = None
    refused: bool | None = None
    structures: dict[str, Mask] = field(default_factory=dict)
    embedding: Vector | None = None


Ask = Callable[[Sample], Said]


@dataclass(frozen=True)
class Judged:
    """The rows of samples, and what else was found on the way."""

    rows: tuple[Row, ...]
    embeddings: tuple[Vector, ...] = ()
    thresholds: tuple[float, ...] = ()
    """Segmentation: mean Dice at 1/256, 2/256, … 255/256, see :func:`~atisbo.evaluation.thresholds.dice_by_threshold`;
    regions that are too small for the card are not dropped."""

    def with_neighbours(self, group: str | None) -> Judged:
        """The rows with the figures of retrieval, if these images have embeddings and classes."""
        labels = [row.columns.get("class", "") for row in self.rows]
        if len(self.embeddings) != len(self.rows) or len(set(labels)) < 2:
            return self
        found = neighbours(np.stack(self.embeddings), labels, groups(self.rows, group))
        return replace(self, rows=with_values(self.rows, found))

    def with_known_items(self, copies: dict[str, dict[int, Vector]]) -> Judged:
        """The rows with whether altered copies find their originals.

        Args:
            copies: name of the figure → place of the original → the copy's embedding.
        """
        rows, originals = self.rows, np.stack(self.embeddings)
        for name, made in copies.items():
            right = finds_itself(np.stack(list(made.values())), originals, list(made))
            hits = dict(zip(made, right, strict=True))
            values = [{name: float(hits[n])} if n in hits else {name: float("nan")} for n in range(len(rows))]
            rows = with_values(rows, values)
        return replace(self, rows=rows)


def measure(samples: Iterable[Sample], ask: Ask, card: Card, workers: int = 1) -> Judged:
    """Ask about every sample and compare with its mask, at the mask's own size, or its class.

    Args:
        workers: how many samples are asked about side by side.

    Raises:
        Invalid: a mask's size is not its image's, or a class is none of the card's labels.
        BadImage: an image cannot be read.
    """

    def judged(sample: Sample) -> tuple[Row, Vector | None, Curve | None]:
        said = ask(sample)
        return _row(sample, said, card), said.embedding, _curve(sample, said)

    found = list(ahead(judged, samples, workers))
    embeddings = tuple(embedding for _, embedding, _ in found if embedding is not None)
    curves = [curve for _, _, curve in found if curve is not None]
    thresholds = np.mean(curves, axis=0).tolist() if curves else []
    return Judged(tuple(row for row, _, _ in found), embeddings, tuple(thresholds))


def measure_foreign(samples: Iterable[Sample], ask: Ask, workers: int = 1) -> tuple[Row, ...]:
    """Ask about images that the application is not for, all of which should be refused."""

    def judged(sample: Sample) -> Row:
        values = {"refused": float(bool(ask(sample).refused))}
        return Row(sample.name, values, columns={FOLDER: sample.folder})

    return tuple(ahead(judged, samples, workers))


def ahead(work: Callable[[Item], Made], items: Iterable[Item], workers: int) -> Iterator[Made]:
    """What ``work`` makes of each item, in their order, some of them side by side; few are held at a time."""
    with ThreadPoolExecutor(workers, thread_name_prefix="judging") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def with_values(rows: Sequence[Row], values: Sequence[dict[str, float]]) -> tuple[Row, ...]:
    """The rows with further figures of each."""
    return tuple(replace(row, values=row.values | more) for row, more in zip(rows, values, strict=True))


def _row(sample: Sample, said: Said, card: Card) -> Row:
    ratios = card.structures.ratios if card.structures else ()
    row = _outlined(sample, said) if card.task == "segmentation" else _chosen(sample, said, card.output.labels)
    return replace(row, values=row.values | _structured(sample, said, ratios) | _gated(said))


def _outlined(sample: Sample, said: Said) -> Row:
    if said.mask is None:
        raise TypeError("a segmentation says a mask")
    truth = read_mask(sample, said.size)
    columns = {FOLDER: sample.folder, **sample.columns, SIZE: object_size(truth)}
    values = outlined(said.mask, truth, said.probabilities)
    return Row(sample.name, values, uncertainty=said.uncertainty, columns=columns)


def _curve(sample: Sample, said: Said) -> Curve | None:
    if said.mask is None or said.probabilities is None:
        return None
    return dice_by_threshold(said.probabilities, read_mask(sample, said.size))


def _chosen(sample: Sample, said: Said, labels: tuple[str, ...]) -> Row:
    if said.probabilities is None or said.answer is None:
        raise TypeError("a classification says probabilities and an answer")
    if sample.label not in labels:
        raise Invalid(
            "label_unknown",
            "{file}: its class is {label}, but the network knows {labels}.",
            file=sample.name,
            label=sample.label,
            labels=", ".join(labels),
        )
    shares = tuple(float(share) for share in said.probabilities)
    choice = Choice(shares, labels.index(sample.label), said.answer, said.uncertainty, said.unsure)
    columns = {FOLDER: sample.folder, **sample.columns, "class": sample.label}
    return Row(sample.name, {}, choice, said.uncertainty, columns)


def _structured(sample: Sample, said: Said, ratios: tuple[Ratio, ...]) -> dict[str, float]:
    known = {name: read_mask(sample, said.size, name) for name in sample.structures if name in said.structures}
    return structured(said.structures, known, ratios) if known else {}


def _gated(said: Said) -> dict[str, float]:
    return {} if said.refused is None else {"kept": float(not said.refused)}
