"""Training runs."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.domain.access import Actor, Right
from atisbo.domain.runs import State
from atisbo.store.db import Base, Identified, now
from atisbo.store.predictions import notify

NOBODY: Final = uuid.UUID(int=0)
"""Stands for the owner on the predictions' channel, on which changes of a run are told by its id."""
CHANGED: Final = "run"


class RunRecord(Identified, Base):
    """States and their meanings: see ``domain.runs.State``."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('waiting','running','done','failed','cancelled')", name="state"),
        CheckConstraint("(state IN ('waiting','running')) = (finished_at IS NULL)", name="finished"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        Index("ix_runs_created", "created_at"),
    )

    application: Mapped[str] = mapped_column(String(60))
    dataset_id: Mapped[uuid.UUID]
    dataset: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Name and hash, as they were."""
    recipe_name: Mapped[str] = mapped_column(String(80))
    recipe: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Whole, with what was changed of it."""
    start_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"))
    """The version whose weights it goes on from; None: from the recipe's beginning."""
    state: Mapped[str] = mapped_column(String(10), default=State.WAITING.value)
    attempt: Mapped[int] = mapped_column(default=0)
    """Rises each time a worker takes it in hand; only the latest may write."""
    stop: Mapped[bool] = mapped_column(default=False)
    """Somebody asked for its end."""
    curves: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """Side (train, validation) → figure → a value per epoch."""
    log: Mapped[str] = mapped_column(Text, default="")
    """The last lines."""
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    version_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"))
    worker: Mapped[str] = mapped_column(String(100), default="")
    """The machine that has it in hand."""
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


def readable(actor: Actor) -> Select[RunRecord]:
    """The runs this actor may see: all, or none."""
    query = select(RunRecord)
    return query if actor.may(Right.MANAGE_VERSIONS) else query.where(RunRecord.id.is_(None))


def changed(session: Session, record: RunRecord) -> None:
    """Tell whoever watches the run, when this transaction commits."""
    notify(session, f"{NOBODY} {record.id} {CHANGED}")
