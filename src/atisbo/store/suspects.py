"""Predictions that failed by what may be their own fault: the picture, or whatever else was at work then.

``tries`` counts how often. A prediction that is claimed while it is still ``running`` was in the hands of a worker that
is lost, which counts as well. A suspect is tried apart from others, and is ``running`` only while it is: whoever waits
for a turn in a worker that dies has done nothing wrong.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from atisbo.store.predictions import CHANNEL, PredictionRecord


class Hand(NamedTuple):
    """A prediction in a worker's hand."""

    prediction_id: uuid.UUID
    attempt: int
    tries: int = 0
    """That failed before this one."""


def suspects(session: Session, ids: Sequence[uuid.UUID]) -> list[Hand]:
    """Of those just claimed, the ones that ``claim`` left waiting."""
    query = select(PredictionRecord.id, PredictionRecord.attempt, PredictionRecord.tries).where(
        PredictionRecord.id.in_(ids), PredictionRecord.status == "waiting", PredictionRecord.tries > 0
    )
    return [Hand(*row) for row in session.execute(query)]


def hold(session: Session, hand: Hand) -> bool:
    """A suspect's turn has come; False where somebody else has it, or nobody wants it any more."""
    query = text(
        """
        WITH held AS (
            UPDATE predictions SET status = 'running', started_at = now()
            WHERE id = :id AND attempt = :attempt AND status = 'waiting' RETURNING id, owner_id
        )
        SELECT pg_notify(:channel, concat_ws(' ', owner_id, id, 'running')) FROM held
        """
    )
    said = {"id": hand.prediction_id, "attempt": hand.attempt, "channel": CHANNEL}
    return session.execute(query, said).first() is not None


def release(session: Session, hands: Sequence[Hand]) -> None:
    """Put back what is in hand, to be claimed again; ``tries`` is what it will be then."""
    if hands:
        session.execute(_RELEASE, {name: [getattr(hand, name) for hand in hands] for name in Hand._fields})


_RELEASE = text(
    """
    UPDATE predictions p SET status = 'waiting', tries = o.tries
    FROM unnest(CAST(:prediction_id AS uuid[]), CAST(:attempt AS int[]), CAST(:tries AS int[])) AS o(id, attempt, tries)
    WHERE p.id = o.id AND p.attempt = o.attempt AND p.status IN ('waiting', 'running')
    """
)
