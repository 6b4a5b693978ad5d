"""Trials: answers to shipped samples for visitors, which live for as long as they take to be read."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.db import Base, Identified, now
from atisbo.store.predictions import notify


class TrialRecord(Identified, Base):
    """Nothing of the visitor is in it, and of the sample only the answer."""

    __tablename__ = "trials"

    answer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


def give(session: Session, trial_id: uuid.UUID, answer: dict[str, Any]) -> None:
    """Hand the answer over, if somebody still waits for it, and say so."""
    waits = session.execute(
        text("UPDATE trials SET answer = :answer WHERE id = :id RETURNING id"),
        {"id": trial_id, "answer": Jsonb(answer)},
    ).all()
    if waits:
        notify(session, f"{trial_id} {trial_id} done")


def take(session: Session, trial_id: uuid.UUID) -> dict[str, Any] | None:
    """The answer, which is gone with this; None while it is not there."""
    query = text("DELETE FROM trials WHERE id = :id AND answer IS NOT NULL RETURNING answer")
    found: dict[str, Any] | None = session.scalar(query, {"id": trial_id})
    return found


def forget(session: Session, trial_id: uuid.UUID) -> None:
    """What nobody waits for any more: this one, and any that a fallen process left behind."""
    query = text("DELETE FROM trials WHERE id = :id OR created_at < now() - interval '2 minutes'")
    session.execute(query, {"id": trial_id})
