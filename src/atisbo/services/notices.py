"""Telling people that long work has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.notices import FEWEST, QUIET_S, Kind
from atisbo.store.db import now
from atisbo.store.notices import NoticeRecord, readable
from atisbo.store.predictions import PredictionRecord, notify
from atisbo.store.queue import ANNOUNCE, PATIENT, enqueue

__all__ = ["NOTICED", "Kind", "Notice", "announce", "list_", "see", "tell", "unseen", "when_answered"]

NOTICED: Final = "notice"
"""Said on the predictions' channel in place of a status when there is something new."""
KEPT: Final = 100
"""Of each person, the newest."""


@dataclass(frozen=True)
class Notice:
    id: UUID
    kind: Kind
    about: dict[str, Any]
    created_at: datetime
    seen: bool


def tell(session: Session, owner_id: UUID | None, kind: Kind, about: dict[str, Any]) -> None:
    """Write a notice, and let the person's open pages know when this commits; nobody is told of the operator's work."""
    if owner_id is None:
        return
    record = NoticeRecord(owner_id=owner_id, kind=kind.value, about=about)
    session.add(record)
    session.flush()
    newest = select(NoticeRecord.id).where(NoticeRecord.owner_id == owner_id)
    old = newest.order_by(NoticeRecord.created_at.desc()).offset(KEPT)
    session.execute(delete(NoticeRecord).where(NoticeRecord.id.in_(old)))
    notify(session, f"{owner_id} {record.id} {NOTICED}")


def list_(session: Session, actor: Actor, *, limit: int = 50) -> list[Notice]:
    """One's own, newest first."""
    actor.require(Right.PREDICT)
    records = session.scalars(readable(actor).order_by(NoticeRecord.created_at.desc()).limit(limit))
    return [Notice(one.id, Kind(one.kind), one.about, one.created_at, one.seen_at is not None) for one in records]


def unseen(session: Session, actor: Actor) -> int:
    """How many the actor has not looked at."""
    actor.require(Right.PREDICT)
    query = readable(actor).where(NoticeRecord.seen_at.is_(None))
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def see(session: Session, actor: Actor) -> None:
    """All that there is has been looked at."""
    actor.require(Right.PREDICT)
    mine = NoticeRecord.owner_id == actor.user_id, NoticeRecord.seen_at.is_(None)
    session.execute(update(NoticeRecord).where(*mine).values(seen_at=now()))


def when_answered(session: Session, actor: Actor, *, application: str, since: datetime) -> None:
    """Have the actor told once all that they asked of an application since then is answered: by a job that looks
    again until it is so.
    """
    payload = {"owner": str(actor.user_id), "application": application, "since": since.isoformat()}
    _look_later(session, payload)


def _look_later(session: Session, payload: dict[str, Any]) -> None:
    key = f"announce {payload['owner']} {payload['application']}"
    enqueue(session, ANNOUNCE, payload, priority=PATIENT, dedupe=key, after=timedelta(seconds=QUIET_S))


def announce(session: Session, *, owner_id: UUID, application: str, since: datetime) -> bool:
    """For workers: tell of a batch if it is over; False where it must be looked at again."""
    asked = (
        PredictionRecord.owner_id == owner_id,
        PredictionRecord.application == application,
        PredictionRecord.created_at >= since,
    )
    counted: Sequence[Any] = session.execute(
        select(
            func.count(),
            func.count().filter(PredictionRecord.finished_at.is_(None)),
            func.count().filter(PredictionRecord.status == "failed"),
            func.max(PredictionRecord.created_at),
        ).where(*asked)
    ).one()
    count, still_open, failed, newest = counted
    if still_open or (newest and newest > now() - timedelta(seconds=QUIET_S)):
        return False
    if count >= FEWEST:
        tell(session, owner_id, Kind.BATCH, {"application": application, "count": count, "failed": failed})
    return True
