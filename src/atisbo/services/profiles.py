"""What the pictures of an application are like: classes, colours, typical and odd ones, duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sqlalchemy.orm import Session

from atisbo.domain import colours
from atisbo.domain.access import Actor, Right
from atisbo.services import tones
from atisbo.services.neighbours import SAME_PICTURE
from atisbo.services.tones import Tones
from atisbo.store import profiles as store
from atisbo.store import tones as store_tones
from atisbo.store.embeddings import searched
from atisbo.store.profiles import Heap, Scope, Sight, Twins

__all__ = ["COMPARED", "Class", "Profile", "Shade", "Sight", "Twins", "get"]

FEW: Final = 8
MOST_TWINS: Final = 40
COMPARED: Final = 3000
"""Above so many pictures, near duplicates are not looked for while somebody waits."""
_SHADES: Final = 28


@dataclass(frozen=True)
class Shade:
    colour: str
    """``#rrggbb``"""
    share: float


@dataclass(frozen=True)
class Class:
    """One class; ``label`` is None for pictures of which nothing is said."""

    label: str | None
    collection: int
    reviewed: int
    answered: int
    shades: Sequence[Shade]
    """What most of its pictures' area is coloured in, dark first; together 1."""
    lightness: Sequence[float]
    """Shares of the steps from dark to bright."""
    typical: Sequence[Sight]
    odd: Sequence[Sight]

    @property
    def count(self) -> int:
        return self.collection + self.reviewed + self.answered


@dataclass(frozen=True)
class Profile:
    version: str | None
    classes: Sequence[Class]
    tones: Sequence[Tones]
    """Of the classes whose pictures were looked at here; of imported embeddings they are not known."""
    same: Sequence[Twins]
    near: Sequence[Twins] | None
    """None where there are too many pictures to compare."""

    @property
    def count(self) -> int:
        return sum(one.count for one in self.classes)


def get(session: Session, actor: Actor, *, application: str) -> Profile:
    """The pictures that this actor may find; for those who may see everything, all."""
    actor.require(Right.PREDICT)
    version = searched(session, application)
    if version is None:
        return Profile(None, (), (), (), ())
    scope = Scope(application, version, actor.user_id, actor.may(Right.SEE_ALL))
    heaps = store.heaps(session, scope)
    sights = store.sights(session, scope, few=FEW)
    classes = [
        _class(label, list(some), [s for s in sights if s.label == label])
        for label, some in groupby(heaps, lambda heap: heap.label)
    ]
    few = sum(heap.count for heap in heaps) <= COMPARED
    near = store.near(session, scope, alike=SAME_PICTURE, most=MOST_TWINS) if few else None
    same = store.same(session, scope, most=MOST_TWINS)
    brightness = tones.by_class(store_tones.of_scope(session, scope))
    return Profile(version, sorted(classes, key=lambda one: -one.count), brightness, same, near)


def _class(label: str | None, heaps: Sequence[Heap], sights: Sequence[Sight]) -> Class:
    counts = {heap.known: heap.count for heap in heaps}
    shares = _mean(heaps)
    return Class(
        label=label,
        collection=counts.get("collection", 0),
        reviewed=counts.get("reviewed", 0),
        answered=counts.get("answered", 0),
        shades=_shades(shares),
        lightness=colours.lightness(shares),
        typical=[sight for sight in sights if sight.place <= FEW],
        odd=[sight for sight in sights if sight.place > FEW][::-1],
    )


def _mean(heaps: Sequence[Heap]) -> list[float]:
    """The heaps' colours together, as shares of 1; empty where none is known."""
    known = [heap for heap in heaps if heap.colours]
    total = sum(heap.coloured for heap in known)
    columns = zip(*(heap.colours or () for heap in known), strict=True)
    weights = [heap.coloured / total for heap in known]
    return [sum(weight * value for weight, value in zip(weights, column, strict=True)) for column in columns]


def _shades(shares: Sequence[float]) -> list[Shade]:
    """The largest shares in the order of the steps, which is that of lightness."""
    largest = sorted(range(len(shares)), key=lambda at: -shares[at])[:_SHADES]
    names, total = colours.steps(), sum(shares[at] for at in largest)
    return [Shade(names[at], shares[at] / total) for at in sorted(largest)]
