"""One version of an application's network, from a prepared picture to findings."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Card, OutputSpec
from atisbo.domain.findings import ClassificationFindings, SegmentationFindings
from atisbo.errors import BadImage
from atisbo.imaging.draw import mask_png
from atisbo.imaging.masks import segment
from atisbo.imaging.quarantine import Prepared
from atisbo.inference.answers import Answers
from atisbo.inference.batcher import Batcher
from atisbo.inference.engine import Engine


@dataclass(frozen=True)
class Answer:
    """What is said of one picture."""

    findings: SegmentationFindings | ClassificationFindings
    mask: bytes | None
    """PNG of the whole original's size, one channel, 0 or 255; None for a classification."""
    version: str


class Predictor:
    """Card, engine and batcher of one version. Thread-safe.

    Args:
        max_batch: largest group for the engine.
        capacity: pictures that may wait for the engine.
    """

    def __init__(self, card: Card, engine: Engine, *, max_batch: int = 4, capacity: int = 64) -> None:
        self.card = card
        self._batcher = Batcher(engine, max_batch=max_batch, capacity=capacity)
        self._finishers = ThreadPoolExecutor(max(2, engine.parallel), thread_name_prefix="findings")

    def predict(self, prepared: Prepared) -> Answer:
        """Wait for the answer; raises what :meth:`submit` and its future raise."""
        return self.submit(prepared).result()

    def submit(self, prepared: Prepared, deadline: float | None = None) -> Future[Answer]:
        """Queue a picture. Cancelling the future takes it out of the queue.

        Args:
            deadline: on ``time.monotonic``.

        Raises:
            Unavailable: the queue is full or closed; through the future also TooLate, and BadImage where the network
                gave no valid number.
        """
        inner = self._batcher.submit(prepared.pixels, deadline)
        outer: Future[Answer] = Future()
        outer.add_done_callback(lambda future: future.cancelled() and inner.cancel())
        inner.add_done_callback(lambda future: self._pass_on(future, outer, prepared))
        return outer

    def _pass_on(self, inner: Future[Answers], outer: Future[Answer], prepared: Prepared) -> None:
        if inner.cancelled():
            outer.cancel()
        elif outer.set_running_or_notify_cancel():
            if (error := inner.exception()) is not None:
                outer.set_exception(error)
            else:
                self._finishers.submit(_settle, outer, lambda: answer(inner.result(), prepared, self.card))

    def close(self) -> None:
        """Finish what runs; what waits fails with Unavailable."""
        self._batcher.close()
        self._finishers.shutdown(wait=True)


def _settle(future: Future[Answer], make: Callable[[], Answer]) -> None:
    try:
        result = make()
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def answer(answers: Answers, prepared: Prepared, card: Card) -> Answer:
    """Findings and mask in the pixels of the whole original.

    Raises:
        BadImage: the network gave no valid number for this picture.
    """
    scores = answers["scores"]
    if not np.isfinite(scores).all():
        raise BadImage("answer_invalid", "The network gave no valid answer for this picture. Try another one.")
    if card.task == "classification":
        return Answer(classify(scores, prepared.size, card.output), None, card.version)
    box = prepared.box
    found = segment(scores, (box.height, box.width), card.output).placed(box, prepared.size)
    return Answer(found.findings, mask_png(found.mask), card.version)


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
    return ClassificationFindings(
        label=best,
        probabilities=probabilities,
        probability=probabilities[output.positive or best],
        threshold=output.threshold,
        above=above,
        width=size[1],
        height=size[0],
    )
