"""Reviews: what people said of answers. Every version is kept; the newest of each author is the one that counts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from atisbo.domain.access import Actor, Right
from atisbo.store.blobs import corrected, sent
from atisbo.store.db import Base, Identified, now
from atisbo.store.predictions import PredictionRecord


class ReviewRecord(Identified, Base):
    """One version of one author's review; superseded by the next, never changed otherwise."""

    __tablename__ = "reviews"
    __table_args__ = (
        CheckConstraint("verdict IN ('right','wrong','unknown')", name="verdict"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("standing IN ('own','reader','adjudication')", name="standing"),
        CheckConstraint("mask_state IN ('checking','kept','refused')", name="mask_state"),
        CheckConstraint("(mask_state IS NULL) = (mask_sent IS NULL)", name="mask_sent"),
        CheckConstraint("(mask_state IS NOT DISTINCT FROM 'kept') = (mask IS NOT NULL)", name="mask"),
        UniqueConstraint("prediction_id", "author_id", "version"),
        Index(
            "uq_reviews_current",
            "prediction_id",
            "author_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_reviews_author_created", "author_id", "created_at"),
    )

    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"))
    author_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    version: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(10))
    label: Mapped[str | None] = mapped_column(String(100))
    """What the image shows, as far as the author knows."""
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """To the application's form, by field name."""
    standing: Mapped[str] = mapped_column(String(12), default="own", server_default="own")
    """``own``: said on the workbench; ``reader``: in the inbox; ``adjudication``: by a third, after two disagreed."""
    mask: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the corrected outline as a worker wrote it anew; see ``blobs.corrected``."""
    mask_state: Mapped[str | None] = mapped_column(String(10))
    """See ``domain.corrections.MaskState``; None where no outline was corrected."""
    mask_sent: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the outline as it came."""
    mask_dice: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))
    """With the network's outline, by layer."""
    mask_failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=now)
    superseded_at: Mapped[datetime | None]

    prediction: Mapped[PredictionRecord] = relationship(lazy="joined", innerjoin=True)


def readable(actor: Actor) -> Select[ReviewRecord]:
    """The reviews this actor may see, all versions: their own, or all."""
    query = select(ReviewRecord)
    return query if actor.may(Right.SEE_ALL) else query.where(ReviewRecord.author_id == actor.user_id)


def lock_prediction(session: Session, prediction_id: uuid.UUID) -> bool:
    """Hold other reviews and the deletion of this prediction off until the transaction ends; False if it is gone."""
    query = select(PredictionRecord.id).where(PredictionRecord.id == prediction_id).with_for_update(key_share=True)
    return session.scalar(query) is not None


def current(prediction_id: uuid.UUID, author_id: uuid.UUID) -> Select[ReviewRecord]:
    return select(ReviewRecord).where(
        ReviewRecord.prediction_id == prediction_id,
        ReviewRecord.author_id == author_id,
        ReviewRecord.superseded_at.is_(None),
    )


def masks_of(session: Session, prediction_id: uuid.UUID) -> set[str]:
    """The blobs of corrected outlines that some version of some review still has, as they came or as they are kept."""
    rows = session.execute(
        select(ReviewRecord.mask, ReviewRecord.mask_sent).where(
            ReviewRecord.prediction_id == prediction_id, ReviewRecord.mask_state.in_(("checking", "kept"))
        )
    )
    return {corrected(prediction_id, mask) if mask else sent(prediction_id, str(came)) for mask, came in rows}
