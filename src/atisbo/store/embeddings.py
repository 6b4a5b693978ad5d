"""Embeddings: where each picture lies for one version of a network, and what its colours are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    delete,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.collections import CollectionRecord, ItemRecord
from atisbo.store.db import Base, Identified, now
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.vectors import Vector, VectorType

ANSWERED = ("done", "unsure")


class EmbeddingRecord(Identified, Base):
    """Of a prediction, or of an item of a collection; goes with it in the same transaction.

    ``vector`` is None where this version's network gives none for the picture: it was tried, and is not tried again.
    """

    __tablename__ = "embeddings"
    __table_args__ = (
        CheckConstraint("(prediction_id IS NULL) <> (item_id IS NULL)", name="subject"),
        CheckConstraint("(prediction_id IS NULL) = (image_id IS NULL)", name="image"),
        UniqueConstraint("prediction_id", "version"),
        UniqueConstraint("item_id", "version"),
        Index("ix_embeddings_image_id", "image_id"),
        Index("ix_embeddings_application", "application", "version", "label"),
    )

    application: Mapped[str] = mapped_column(String(60))
    version: Mapped[str] = mapped_column(String(100))
    prediction_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"))
    image_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    item_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("collection_items.id", ondelete="CASCADE"))
    label: Mapped[str | None] = mapped_column(String(100))
    """What the picture is taken for: by the collection, by a review, else by the network."""
    vector: Mapped[Vector | None] = mapped_column(VectorType)
    palette: Mapped[Vector | None] = mapped_column(VectorType)
    grain: Mapped[Vector | None] = mapped_column(VectorType)
    """To know the same picture again."""
    tone: Mapped[Vector | None] = mapped_column(VectorType)
    """Means of red, green and blue, 0 dark to 255 bright."""
    created_at: Mapped[datetime] = mapped_column(default=now)


@dataclass(frozen=True)
class Look:
    """How a picture looks to one version; ``subject_id`` is that of the prediction or the item."""

    subject_id: uuid.UUID
    vector: Vector | None = None
    palette: Vector | None = None
    grain: Vector | None = None
    tone: Vector | None = None


@dataclass(frozen=True)
class Unseen:
    """A picture without an embedding of a version: where its bytes lie, and which part counts."""

    subject_id: uuid.UUID
    image_id: uuid.UUID | None
    """None for an item of a collection."""
    sha256: str
    region: dict[str, int] | None
    label: str | None


def searchable(user_id: uuid.UUID) -> ColumnElement[bool]:
    """What this person may find: collections, their own pictures, and those that others agreed to share.

    The role makes no difference: nobody agreed to being found by curators.
    """
    # A scalar subquery, which the planner cannot turn into a list of all images: only those that are met are looked up.
    allowed = (
        select(or_(ImageRecord.shared, ImageRecord.owner_id == user_id))
        .where(ImageRecord.id == EmbeddingRecord.image_id)
        .scalar_subquery()
    )
    return or_(EmbeddingRecord.item_id.is_not(None), allowed)


def searched(session: Session, application: str) -> str | None:
    """The version whose embeddings are complete; None before the first one is."""
    return session.scalar(select(CollectionRecord.version).where(CollectionRecord.application == application))


def unseen(session: Session, *, application: str, version: str, limit: int) -> list[Unseen]:
    """Pictures that have no embedding of this version yet, those of the collection first."""
    items = (
        select(ItemRecord)
        .where(ItemRecord.application == application, ItemRecord.sha256.is_not(None), ~_seen(version, of_item=True))
        .order_by(ItemRecord.created_at, ItemRecord.id)
        .limit(limit)
    )
    found = [Unseen(item.id, None, item.sha256 or "", None, item.label) for item in session.scalars(items)]
    predictions = (
        select(PredictionRecord)
        .where(
            PredictionRecord.application == application,
            PredictionRecord.status.in_(ANSWERED),
            ~_seen(version, of_item=False),
        )
        .order_by(PredictionRecord.created_at, PredictionRecord.id)
        .limit(limit - len(found))
    )
    return found + [
        Unseen(one.id, one.image_id, one.image.sha256, one.region, None) for one in session.scalars(predictions)
    ]


def _seen(version: str, *, of_item: bool) -> ColumnElement[bool]:
    subject = (
        EmbeddingRecord.item_id == ItemRecord.id if of_item else EmbeddingRecord.prediction_id == PredictionRecord.id
    )
    return exists().where(subject, EmbeddingRecord.version == version)


def write(
    session: Session, *, application: str, version: str, pictures: Sequence[Unseen], looks: Sequence[Look]
) -> None:
    """Embeddings of pictures that are still there; those that somebody else wrote meanwhile stay as they are."""
    by_id = {look.subject_id: look for look in looks}
    for picture in pictures:
        look = by_id[picture.subject_id]
        of_item = picture.image_id is None
        subject = ItemRecord if of_item else PredictionRecord
        if session.scalar(select(subject.id).where(subject.id == picture.subject_id).with_for_update(key_share=True)):
            session.execute(
                insert(EmbeddingRecord)
                .values(
                    application=application,
                    version=version,
                    item_id=picture.subject_id if of_item else None,
                    prediction_id=None if of_item else picture.subject_id,
                    image_id=picture.image_id,
                    label=picture.label,
                    vector=look.vector,
                    palette=look.palette,
                    grain=look.grain,
                    tone=look.tone,
                )
                .on_conflict_do_nothing()
            )
            if not of_item:
                relabel(session, picture.subject_id)


def switch(session: Session, *, application: str, version: str) -> None:
    """Search among this version's embeddings from now on; those of others go."""
    session.execute(
        insert(CollectionRecord)
        .values(application=application, version=version)
        .on_conflict_do_update(index_elements=["application"], set_={"version": version})
    )
    session.execute(
        delete(EmbeddingRecord).where(EmbeddingRecord.application == application, EmbeddingRecord.version != version)
    )


def counts(session: Session, *, application: str, version: str) -> tuple[int, int]:
    """How many pictures have an embedding of this version, and how many there are."""
    ready = select(func.count()).where(EmbeddingRecord.application == application, EmbeddingRecord.version == version)
    items = select(func.count()).where(ItemRecord.application == application, ItemRecord.sha256.is_not(None))
    answered = select(func.count()).where(
        PredictionRecord.application == application, PredictionRecord.status.in_(ANSWERED)
    )
    return session.scalar(ready) or 0, (session.scalar(items) or 0) + (session.scalar(answered) or 0)


def relabel(session: Session, prediction_id: uuid.UUID) -> None:
    """Take the label that the newest review gives, or else the network's."""
    session.execute(_RELABEL, {"id": prediction_id})


_RELABEL = text(
    """
    UPDATE embeddings e SET label = coalesce(
        (SELECT r.label FROM reviews r WHERE r.prediction_id = e.prediction_id AND r.superseded_at IS NULL
            AND r.label IS NOT NULL ORDER BY r.created_at DESC LIMIT 1),
        (SELECT p.findings->>'label' FROM predictions p WHERE p.id = e.prediction_id)
    ) WHERE e.prediction_id = :id
    """
)
