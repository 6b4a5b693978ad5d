"""For workers: taking predictions in hand, putting them back, and those that have to be tried apart from others."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.services import predictions
from atisbo.store import suspects as store
from atisbo.store import workers
from atisbo.store.suspects import Hand, hold, release

__all__ = ["Hand", "hold", "release", "revive", "take"]


def revive(session: Session) -> int:
    """Have jobs done that the queue gave up though their prediction is open; returns how many."""
    ids = workers.forgotten(session)
    if ids:
        workers.requeue(session, ids)
    return len(ids)


def take(session: Session, ids: Sequence[UUID]) -> dict[UUID, Hand]:
    """Take predictions in hand. One with ``tries`` is a suspect: ``hold`` it when its turn has come."""
    hands = [Hand(prediction_id, attempt) for prediction_id, attempt in predictions.claim(session, ids).items()]
    if left := set(ids) - {hand.prediction_id for hand in hands}:
        hands += store.suspects(session, list(left))
    return {hand.prediction_id: hand for hand in hands}
