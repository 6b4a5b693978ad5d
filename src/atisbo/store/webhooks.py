"""Webhooks: who wants to be told of which answer, what was tried, and the rotation of the signing secrets."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from atisbo.store.db import Base, Identified, now
from atisbo.store.queue import DELIVER, enqueue_all


class WebhookRecord(Identified, Base):
    """States and their meanings: see ``domain.webhooks.State``. It goes with its prediction."""

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("state IN ('armed','sending','delivered','given_up')", name="state"),
        CheckConstraint("(state IN ('armed','sending')) = (finished_at IS NULL)", name="finished"),
        Index("ix_webhooks_owner_created", "owner_id", "created_at"),
    )

    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"), unique=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    url: Mapped[str] = mapped_column(String(2000))
    state: Mapped[str] = mapped_column(String(10), default="armed")
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]

    tries: Mapped[list[DeliveryRecord]] = relationship(
        order_by="DeliveryRecord.number", lazy="selectin", passive_deletes=True
    )


class DeliveryRecord(Identified, Base):
    """One try; ``status`` is the receiver's, else ``problem`` says in a word why there is none."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (CheckConstraint("(status IS NULL) = (problem IS NOT NULL)", name="said"),)

    webhook_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(default=now)
    took_ms: Mapped[int]
    status: Mapped[int | None]
    problem: Mapped[str | None] = mapped_column(String(40))


class WebhookKeyRecord(Base):
    """How often a user has changed their signing secret; the secret itself is derived, never stored."""

    __tablename__ = "webhook_keys"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    rotation: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)


_FIRE = text("UPDATE webhooks SET state = 'sending' WHERE prediction_id = ANY(:ids) AND state = 'armed' RETURNING id")


def fire(session: Session, predictions: Collection[uuid.UUID]) -> None:
    """The jobs that tell of these predictions, born in the transaction that finishes them."""
    if not predictions:
        return
    fired = session.scalars(_FIRE, {"ids": list(predictions)}).all()
    enqueue_all(session, DELIVER, [{"webhook": str(one)} for one in fired])


_AGAIN = text(
    """
    SELECT id FROM webhooks WHERE prediction_id = ANY(:ids) AND state = 'sending' AND NOT EXISTS (
        SELECT FROM pgqueuer job WHERE job.entrypoint = :kind AND job.status = 'queued'
        AND convert_from(job.payload, 'UTF8')::jsonb ->> 'webhook' = webhooks.id::text
    )
    """
)


def fire_again(session: Session, predictions: Collection[uuid.UUID]) -> None:
    """Jobs for what is still to be told of these predictions, where none waits: one that is at work may just be ending,
    because it found nothing to tell of."""
    left = session.scalars(_AGAIN, {"ids": list(predictions), "kind": DELIVER}).all()
    enqueue_all(session, DELIVER, [{"webhook": str(one)} for one in left])


def rotation(session: Session, user_id: uuid.UUID) -> int | None:
    """None where the user has made no secret."""
    return session.scalar(select(WebhookKeyRecord.rotation).where(WebhookKeyRecord.user_id == user_id))
