"""The workers' signs of life, and a look at the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from pgqueuer.adapters.persistence.queries import SyncQueries
from psycopg import Connection
from sqlalchemy import String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.db import Base, Identified, now
from atisbo.store.queue import (
    COMPARE,
    CORRECT,
    DELIVER,
    DISCARD,
    ERASE,
    PREDICT,
    SWEEP,
    TAKE_OUT,
    CallersConnection,
)

_ENDS: Final = (ERASE, SWEEP, DISCARD, TAKE_OUT, CORRECT, COMPARE, DELIVER)
"""Kinds of jobs that may be done at any time, and without which something stays as it should not: files of what was
deleted, an outline that nobody looks at, somebody who is not told."""


class WorkerRecord(Identified, Base):
    """One worker process; its row goes with it, or a day after it was last heard of."""

    __tablename__ = "workers"

    host: Mapped[str] = mapped_column(String(100))
    pid: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    versions: Mapped[dict[str, str]] = mapped_column(JSONB)
    """By application: what it answers with."""
    folders: Mapped[dict[str, int]] = mapped_column(JSONB)
    """Bytes by kind of what lies in the data folder, as it saw them last."""


class Waiting(NamedTuple):
    """Jobs of one kind; ``oldest_s`` is how long ago the oldest that waits was due."""

    kind: str
    waiting: int
    running: int
    held: int
    oldest_s: float | None


class Held(NamedTuple):
    """A job that failed and waits for somebody to look at it."""

    id: int
    kind: str
    payload: bytes | None
    attempts: int
    failed_at: datetime
    reason: dict[str, Any] | None


def queue(session: Session) -> list[Waiting]:
    return [Waiting(*row) for row in session.execute(_QUEUE)]


def held(session: Session, *, limit: int) -> list[Held]:
    """Newest first."""
    return [Held(*row) for row in session.execute(_HELD, {"limit": limit})]


def requeue(session: Session, ids: Sequence[int]) -> None:
    """Have held jobs done again."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, Connection)
    door = CallersConnection(connection)
    door.fetch(SyncQueries(door).qbq.build_requeue_jobs_query(), list(ids))


def forgotten(session: Session) -> list[int]:
    """Jobs that are held though their prediction is open: where the database is away or full just when a job is to be
    tried again, the queue holds it instead."""
    return list(session.scalars(_FORGOTTEN, {"predict": PREDICT}))


def unfinished(session: Session) -> list[int]:
    """Jobs that are held and have to come to their end, however late."""
    return list(session.scalars(_UNFINISHED, {"kinds": list(_ENDS)}))


_UNFINISHED = text("SELECT id FROM pgqueuer WHERE status = 'failed' AND entrypoint = ANY(:kinds)")
_FORGOTTEN = text(
    """
    SELECT job.id FROM pgqueuer job JOIN predictions p ON p.status IN ('waiting', 'running')
        AND p.id = (convert_from(job.payload, 'UTF8')::jsonb ->> 'prediction')::uuid
    WHERE job.status = 'failed' AND job.entrypoint = :predict
    """
)
_QUEUE = text(
    """
    SELECT entrypoint,
        count(*) FILTER (WHERE status = 'queued'),
        count(*) FILTER (WHERE status = 'picked'),
        count(*) FILTER (WHERE status = 'failed'),
        extract(
            epoch FROM now() - min(execute_after) FILTER (WHERE status = 'queued' AND execute_after <= now())
        )::float
    FROM pgqueuer GROUP BY entrypoint ORDER BY entrypoint
    """
)
_HELD = text(
    """
    SELECT job.id, job.entrypoint, job.payload, job.attempts, job.updated, said.traceback
    FROM pgqueuer job
    LEFT JOIN LATERAL (
        SELECT traceback FROM pgqueuer_log log
        WHERE log.job_id = job.id AND log.traceback IS NOT NULL ORDER BY log.id DESC LIMIT 1
    ) said ON true
    WHERE job.status = 'failed' ORDER BY job.updated DESC LIMIT :limit
    """
)
