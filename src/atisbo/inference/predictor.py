"""One version of an application's network, from a prepared picture to findings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card, Gate, OutputSpec
from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
from atisbo.domain.kinds import Asked, expected, foreign_kind, is_foreign, seems
from atisbo.domain.uncertainty import uncertainty, uncertainty_of_many
from atisbo.errors import BadImage, Foreign
from atisbo.imaging.draw import mask_png
from atisbo.imaging.masks import Segmentation, ratios, segment
from atisbo.imaging.prepared import Prepared
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Answers
from atisbo.inference.batcher import Batcher
from atisbo.inference.engine import Engine


@dataclass(frozen=True)
class Answer:
    """What is said of one picture."""

    findings: SegmentationFindings | ClassificationFindings
    mask: bytes | None
    """PNG of the whole original's size, one channel, see :data:`atisbo.imaging.masks.MaskPixels`; None where nothing
    is outlined at all."""
    version: str
    embedding: NDArray[np.float32] | None = None
    """(d,), float32, for similarity; None where the network gives none."""


class Predictor:
    """Card, engine and batcher of one version. Thread-safe.

    Args:
        asked: what pictures the application asks for, in its own words.
        network: the ONNX file that the engine was made of, or its bytes; None where it is not here.
        capacity: pictures that may wait for the engine.
    """

    def __init__(
        self,
        card: Card,
        engine: Engine,
        *,
        asked: Asked | None = None,
        network: Path | bytes | None = None,
        capacity: int = 64,
    ) -> None:
        self.card = card
        self.asked = asked
        self.network = network
        self._at_once = engine.group * engine.parallel
        self._batcher = Batcher(engine, capacity=capacity)
        self._finishers = ThreadPoolExecutor(max(2, engine.parallel), thread_name_prefix="findings")

    @property
    def running(self) -> frozenset[int]:
        """See :attr:`Batcher.running`."""
        return self._batcher.running

    def predict(self, prepared: Prepared) -> Answer:
        """Wait for the answer; raises what :meth:`submit` and its future raise."""
        return self.submit(prepared).result()

    def submit(self, prepared: Prepared, deadline: float | None = None) -> Future[Answer]:
        """Queue a picture. Cancelling the future takes it out of the queue.

        Args:
            deadline: on ``time.monotonic``.

        Raises:
            Unavailable: the queue is full or closed; through the future also TooLate, and what :func:`answer` raises.
        """
        inner = self._batcher.submit(prepared.pixels, deadline)
        outer: Future[Answer] = Future()
        queued = ref(inner)  # a ring of both would keep pixels and scores until the next collection of everything
        outer.add_done_callback(lambda future: _withdraw(queued) if future.cancelled() else None)
        inner.add_done_callback(lambda future: self._pass_on(future, outer, prepared))
        return outer

    def embed(self, prepared: Prepared) -> NDArray[np.float32] | None:
        """Wait for the embedding alone, (d,), float32: nobody asks whether the picture is of the application's kind.

        None where the network gives none.

        Raises:
            BadImage: the network gave no valid number for this picture.
            Unavailable: the queue is full or closed.
        """
        embedding: NDArray[np.float32] | None = self._batcher.submit(prepared.pixels).result().get("embedding")
        if embedding is not None and not np.isfinite(embedding).all():
            raise _invalid()
        return embedding

    def look(self, pictures: Iterable[Pixels]) -> Iterator[Answers]:
        """The network's bare answers to many fitted pictures, in order; whoever wants one answer goes first.

        Raises:
            Unavailable: too many wait, or the predictor is closed.
        """
        asked: deque[Future[Answers]] = deque()
        for pixels in pictures:
            asked.append(self._batcher.submit(pixels, patient=True))
            if len(asked) == self._at_once:
                yield asked.popleft().result()
        while asked:
            yield asked.popleft().result()

    def _pass_on(self, inner: Future[Answers], outer: Future[Answer], prepared: Prepared) -> None:
        if inner.cancelled():
            outer.cancel()
        elif outer.set_running_or_notify_cancel():
            if (error := inner.exception()) is not None:
                outer.set_exception(error)
            else:
                self._finish(outer, lambda: answer(inner.result(), prepared, self.card, self.asked))

    def _finish(self, outer: Future[Answer], make: Callable[[], Answer]) -> None:
        """Outlines take their time, and the engine's threads go on meanwhile; a class is told at once."""
        if self.card.task == "classification" and self.card.structures is None:
            _settle(outer, make)
        else:
            self._finishers.submit(_settle, outer, make)

    def close(self) -> None:
        """Finish what runs; what waits fails with Unavailable."""
        self._batcher.close()
        self._finishers.shutdown(wait=True)


def _withdraw(queued: ReferenceType[Future[Answers]]) -> None:
    """What the queue has dropped already needs no cancelling."""
    if (future := queued()) is not None:
        future.cancel()


def _settle(future: Future[Answer], make: Callable[[], Answer]) -> None:
    try:
        result = make()
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def answer(answers: Answers, prepared: Prepared, card: Card, asked: Asked | None = None) -> Answer:
    """Findings and mask in the pixels of the whole original.

    Args:
        asked: what pictures the application asks for, in its own words.

    Raises:
        Foreign: the picture is not of the application's kind.
        BadImage: the network gave no valid number for this picture.
    """
    if not all(np.isfinite(values).all() for values in answers.values()):
        raise _invalid()
    if card.gate is not None:
        admit(answers["kinds"], card.gate, asked or Asked())
    return replace(_found(answers, prepared, card), embedding=answers.get("embedding"))


def _invalid() -> BadImage:
    return BadImage("answer_invalid", "The network gave no valid answer for this picture. Try another one.")


def _found(answers: Answers, prepared: Prepared, card: Card) -> Answer:
    if card.task == "classification":
        return _classified(answers, prepared, card)
    found = _segmented(answers["scores"], prepared, card.output)
    return Answer(found.findings, mask_png(found.mask), card.version)


def admit(kinds: NDArray[np.float32], gate: Gate, asked: Asked) -> None:
    """Let pictures of the application's own kinds pass.

    Args:
        kinds: (kinds,), probabilities, float32.

    Raises:
        Foreign: the others; the sentence says what the picture seems to be, if that is clear.
    """
    probabilities = [float(value) for value in kinds]
    if not is_foreign(probabilities, gate):
        return
    wanted, found = expected(gate, asked.kind), seems(probabilities, gate)
    if found is None:
        raise Foreign(
            "foreign",
            "This does not look like {expected}. Check that it is the right file and the right application.",
            expected=wanted,
        )
    if asked.advice is not None and foreign_kind(probabilities, gate) == asked.whole:
        raise Foreign(
            "foreign",
            "This does not look like {expected}. It looks like {seems}. {advice}",
            expected=wanted,
            seems=found,
            advice=asked.advice,
        )
    raise Foreign(
        "foreign",
        "This does not look like {expected}. It looks like {seems}. "
        "Check that it is the right file and the right application.",
        expected=wanted,
        seems=found,
    )


def _segmented(scores: NDArray[np.float32], prepared: Prepared, output: OutputSpec) -> Segmentation:
    box = prepared.box
    return segment(scores, (box.height, box.width), output).placed(box, prepared.size)


def _classified(answers: Answers, prepared: Prepared, card: Card) -> Answer:
    findings = classify(answers["scores"], prepared.size, card.output)
    if card.structures is None:
        return Answer(findings, None, card.version)
    found = _segmented(answers["structures"], prepared, card.structures.output)
    measured = ratios(found.layers, card.structures.ratios)
    findings = findings.model_copy(update={"structures": found.findings, "ratios": measured})
    return Answer(findings, mask_png(found.mask), card.version)


def classify(scores: NDArray[np.float32], size: tuple[int, int], output: OutputSpec) -> ClassificationFindings:
    """What one picture was taken for.

    Args:
        scores: (labels,), probabilities, float32.
        size: height and width of the upright original, pixels.
    """
    probabilities = {
        label: round(min(max(float(score), 0.0), 1.0), 6) for label, score in zip(output.labels, scores, strict=True)
    }
    best = max(probabilities, key=probabilities.__getitem__)
    above: bool | None = None
    if output.positive is not None:
        above = probabilities[output.positive] >= output.threshold
        others = {label: value for label, value in probabilities.items() if label != output.positive}
        best = output.positive if above else max(others, key=others.__getitem__)
    probability = probabilities[output.positive or best]
    doubt = uncertainty_of_many(list(probabilities.values()))
    if output.positive is not None:
        doubt = uncertainty(probability, output.threshold)
    doubt = round(min(max(doubt, 0.0), 1.0), 6)
    return ClassificationFindings(
        label=best,
        probabilities=probabilities,
        probability=probability,
        threshold=output.threshold,
        above=above,
        uncertainty=doubt,
        unsure=output.unsure_above is not None and doubt > output.unsure_above,
        width=size[1],
        height=size[0],
    )
