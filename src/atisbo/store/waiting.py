"""Where open predictions stand in the queue, and how quickly it moves."""

from __future__ import annotations

import uuid

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from atisbo.domain.waiting import Pace
from atisbo.store.predictions import PredictionRecord

_PACE = text(
    """
    WITH recent AS (
        SELECT started_at, finished_at FROM predictions
        WHERE finished_at > now() - make_interval(mins => :minutes) AND started_at IS NOT NULL
        ORDER BY finished_at DESC LIMIT 64
    ), run AS (
        SELECT started_at, finished_at, max(finished_at) OVER (
            ORDER BY started_at, finished_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS before FROM recent
    ), oldest AS (
        SELECT min(created_at) AS asked FROM predictions WHERE status IN ('waiting', 'running')
    )
    SELECT count(*) AS finished,
        coalesce(sum(greatest(extract(epoch FROM finished_at - greatest(started_at, before)), 0)), 0) AS busy_s,
        coalesce(extract(epoch FROM now() - greatest(max(finished_at), (SELECT asked FROM oldest))), 0) AS silent_s
    FROM run
    """
)


def pace(session: Session, *, minutes: int = 10) -> Pace:
    """Of the last predictions that ended: times of work that overlap are counted once."""
    row = session.execute(_PACE, {"minutes": minutes}).one()
    return Pace(row.finished, float(row.busy_s), float(row.silent_s))


_PLACES = text(
    """
    SELECT id, position FROM (
        SELECT id, owner_id, status, row_number() OVER (ORDER BY created_at) AS position
        FROM predictions WHERE status IN ('waiting', 'running')
    ) AS line WHERE owner_id = :owner AND status = 'waiting' ORDER BY position LIMIT 200
    """
)


def places(session: Session, owner_id: uuid.UUID) -> dict[uuid.UUID, int]:
    """The place in the queue of each prediction of this owner that waits."""
    return {row.id: row.position for row in session.execute(_PLACES, {"owner": owner_id})}


def position(session: Session, record: PredictionRecord) -> int:
    """How many open predictions were asked before this one, plus one."""
    earlier = select(func.count()).where(
        PredictionRecord.status.in_(("waiting", "running")),
        PredictionRecord.created_at < record.created_at,
    )
    return (session.scalar(earlier) or 0) + 1
