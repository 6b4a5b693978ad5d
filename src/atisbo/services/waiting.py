"""Where questions stand in the queue, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.waiting import expected_s
from atisbo.store import waiting as store
from atisbo.store.predictions import PredictionRecord

_PACE: Final = "pace of the queue"


@dataclass(frozen=True)
class Place:
    """In the queue: 1 is next; ``expected_s`` is None where nobody can tell how long it will take."""

    position: int
    expected_s: int | None


def place(session: Session, record: PredictionRecord) -> Place:
    """Of a prediction that is open."""
    return _at(session, store.position(session, record))


def mine(session: Session, actor: Actor) -> dict[UUID, Place]:
    """Of one's own predictions that wait, by their ids."""
    actor.require(Right.PREDICT)
    return {one: _at(session, position) for one, position in store.places(session, actor.user_id).items()}


def _at(session: Session, position: int) -> Place:
    """The pace is measured once for all predictions of a transaction."""
    if _PACE not in session.info:
        session.info[_PACE] = store.pace(session)
    return Place(position, expected_s(position, session.info[_PACE]))
