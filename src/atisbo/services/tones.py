"""How bright the pictures of each class are in red, green and blue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.services import datasets
from atisbo.store import tones as store
from atisbo.store.tones import STEPS, Heap

__all__ = ["STEPS", "Channel", "Tones", "by_class", "of_dataset"]


@dataclass(frozen=True)
class Channel:
    """Of each picture the mean of one channel, 0 dark to 255 bright: how many lie at each step, and what they are."""

    counts: Sequence[int]
    mean: float
    deviation: float


@dataclass(frozen=True)
class Tones:
    """Of one class; ``label`` is None for pictures of which nothing is said. ``channels``: red, green and blue."""

    label: str | None
    count: int
    channels: Sequence[Channel]


def of_dataset(session: Session, actor: Actor, *, dataset_id: UUID) -> list[Tones]:
    """Of what is there to learn from; the sealed side stays closed.

    Raises:
        NotFound, NotAllowed: see :func:`atisbo.services.datasets.find`.
    """
    datasets.find(session, actor, dataset_id)
    return by_class(store.of_dataset(session, dataset_id))


def by_class(heaps: Iterable[Heap]) -> list[Tones]:
    """The largest class first."""
    found = []
    for label, some in groupby(heaps, lambda heap: heap.label):
        channels = [_channel(list(one)) for _, one in groupby(some, lambda heap: heap.channel)]
        found.append(Tones(label, sum(channels[0].counts), channels))
    return sorted(found, key=lambda one: -one.count)


def _channel(heaps: Sequence[Heap]) -> Channel:
    count, total = sum(heap.count for heap in heaps), sum(heap.total for heap in heaps)
    mean = total / count
    variance = max(0.0, sum(heap.squares for heap in heaps) / count - mean**2)
    at = {heap.step: heap.count for heap in heaps}
    return Channel([at.get(step, 0) for step in range(STEPS)], mean, variance**0.5)
