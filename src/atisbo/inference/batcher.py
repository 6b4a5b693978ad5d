"""Single pictures in, groups to the engine, to everyone their own answer; in a group each caller's fate is its own."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from atisbo.errors import AtisboError, Unavailable
from atisbo.imaging.transform import Pixels
from atisbo.inference.answers import Answers
from atisbo.inference.engine import Engine

log = logging.getLogger(__name__)


class TooLate(Unavailable):
    """The deadline passed before the picture's turn came."""


@dataclass(eq=False)
class _Waiting:
    pixels: Pixels
    deadline: float | None
    patient: bool
    future: Future[Answers] = field(default_factory=Future)


class Batcher:
    """A bounded queue and as many threads as the engine runs calls side by side.

    A thread that gets free takes only its share of what waits, so that no thread idles while another has a long group.
    For the same reason nobody waits for company, and a picture that comes while nothing else is there gets the whole
    machine.

    Args:
        engine: takes the groups, and says how large they are at most.
        capacity: pictures that may wait.
    """

    def __init__(self, engine: Engine, *, capacity: int = 64) -> None:
        self._engine = engine
        self._capacity = capacity
        self._waiting: list[_Waiting] = []
        self._closed = False
        self._running: dict[int, int] = {}
        self._calls = count()
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"batcher-{n}", daemon=True) for n in range(engine.parallel)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, pixels: Pixels, deadline: float | None = None, *, patient: bool = False) -> Future[Answers]:
        """Queue one picture. Cancelling the future before its turn takes the picture out.

        Args:
            pixels: (H, W, 3), uint8, RGB, fitted.
            deadline: on ``time.monotonic``; a picture whose turn comes later fails with TooLate.
            patient: its turn comes after all those that are not.

        Returns:
            The engine's answers without the batch axis; or the error of this very picture.

        Raises:
            Unavailable: too many wait, or the batcher is closed.
        """
        with self._changed:
            if self._closed:
                raise _shutting_down()
            if len(self._waiting) >= self._capacity:
                self._drop_finished()
            if len(self._waiting) >= self._capacity:
                raise Unavailable("queue_full", "Too many pictures are waiting. Try again in a moment.")
            item = _Waiting(pixels, deadline, patient)
            self._waiting.insert(len(self._waiting) if patient else self._ordinary(), item)
            self._changed.notify()
        return item.future

    def _ordinary(self) -> int:
        """How many of those that wait are not patient; they come first."""
        return sum(not item.patient for item in self._waiting)

    def close(self) -> None:
        """What runs is finished, what waits fails with Unavailable. Safe to call twice."""
        with self._changed:
            self._closed = True
            left, self._waiting = self._waiting, []
            self._changed.notify_all()
        for item in left:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(_shutting_down())
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (group := self._next_group()) is not None:
            group = [item for item in group if _claimed(item)]
            if group:
                self._answer(group, alone=len(group) == 1 and not self._waiting and not self._running)

    def _next_group(self) -> list[_Waiting] | None:
        """Waits for the next group; None when the batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._take()

    def _take(self) -> list[_Waiting]:
        """A fair share of those with the first one's shape, in their order."""
        first = self._waiting[0].pixels
        alike = [item for item in self._waiting if _same_kind(item.pixels, first)]
        share = min(self._engine.group, -(-len(alike) // self._engine.parallel))
        group = alike[:share]
        self._waiting = [item for item in self._waiting if item not in group]
        if self._waiting:
            self._changed.notify()
        return group

    def _drop_finished(self) -> None:
        self._waiting = [item for item in self._waiting if not item.future.cancelled()]

    def _answer(self, group: list[_Waiting], *, alone: bool = False) -> None:
        """Run a group; if it fails, each one by itself, so that only the culprit hears of it; all, if it is away."""
        try:
            answers = self._infer(np.stack([item.pixels for item in group]), alone=alone)
            parts = [{name: values[i] for name, values in answers.items()} for i in range(len(group))]
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                for item in group:
                    item.future.set_exception(error)
                return
            log.warning("a group of %d failed, trying each by itself: %r", len(group), error)
            for item in group:
                self._answer([item])
        else:
            for item, part in zip(group, parts, strict=True):
                item.future.set_result(part)

    @property
    def running(self) -> frozenset[int]:
        """The numbers of the engine's calls that have not come back yet; no two calls have the same."""
        return frozenset(self._running.copy().values())

    def _infer(self, batch: Pixels, *, alone: bool) -> Answers:
        thread = threading.get_ident()
        self._running[thread] = next(self._calls)
        try:
            return self._engine.infer(batch, alone=alone)
        finally:
            del self._running[thread]


def _claimed(item: _Waiting) -> bool:
    """Whether it is still wanted: not cancelled, not late."""
    if not item.future.set_running_or_notify_cancel():
        return False
    if item.deadline is not None and time.monotonic() > item.deadline:
        item.future.set_exception(
            TooLate("too_late", "The service is too busy to answer in the time allowed. Try again in a moment.")
        )
        return False
    return True


def _same_kind(a: Pixels, b: Pixels) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


def _shutting_down() -> AtisboError:
    return Unavailable("engine_closed", "The service is shutting down. Try again in a moment.")
