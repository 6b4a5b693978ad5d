"""Datasets, their items, and the sides that were given for good."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Select,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.domain.access import Actor, Right
from atisbo.store.db import Base, Identified, now


class DatasetRecord(Identified, Base):
    """A snapshot. States and their meanings: see ``domain.datasets.Status``."""

    __tablename__ = "datasets"
    __table_args__ = (
        CheckConstraint("status IN ('building','ready','failed')", name="status"),
        CheckConstraint("(status = 'ready') = (sha256 IS NOT NULL)", name="ready"),
        CheckConstraint("(status = 'failed') = (failure IS NOT NULL)", name="failure"),
        Index("ix_datasets_application_created", "application", "created_at"),
    )

    application: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    purpose: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(10), default="building")
    filters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What was asked for: see ``domain.datasets.Plan``."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Over the hashes of all items."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What the datasheet says, as it was counted when the dataset was made."""
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class DatasetItemRecord(Identified, Base):
    """One image of a dataset. One that was taken back keeps its place, its side and its hash, and nothing else."""

    __tablename__ = "dataset_items"
    __table_args__ = (
        CheckConstraint("(buried_at IS NULL) = (picture IS NOT NULL)", name="buried"),
        CheckConstraint("(buried_at IS NULL) = (buried_why IS NULL)", name="buried_why"),
        CheckConstraint("picture IS NULL OR image_id IS NOT NULL", name="image"),
        CheckConstraint(
            "picture IS NOT NULL OR (label IS NULL AND masks IS NULL AND facts IS NULL AND owner IS NULL "
            "AND region IS NULL AND likeness IS NULL AND nonce IS NULL AND group_name IS NULL AND stratum IS NULL)",
            name="empty",
        ),
        CheckConstraint("split IN ('training','validation','test')", name="split"),
        UniqueConstraint("dataset_id", "prediction_id"),
        Index("ix_dataset_items_image", "image_id"),
        Index("ix_dataset_items_picture", "picture"),
        Index("ix_dataset_items_dataset", "dataset_id", "number"),
    )

    dataset_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("datasets.id", ondelete="CASCADE"))
    number: Mapped[int | None]
    """Its place in the dataset, from 1; none while the dataset is being made."""
    image_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("images.id", ondelete="SET NULL"))
    prediction_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("predictions.id", ondelete="SET NULL"))
    review_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("reviews.id", ondelete="SET NULL"))
    review_version: Mapped[int | None]
    region: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    """Where the picture was cut out of the upright original, in its pixels."""
    picture: Mapped[str | None] = mapped_column(String(64))
    ending: Mapped[str] = mapped_column(String(5))
    width: Mapped[int]
    height: Mapped[int]
    label: Mapped[str | None] = mapped_column(String(100))
    stratum: Mapped[str | None] = mapped_column(String(200))
    """What each side should have its share of: the class, or which outlines there are."""
    masks: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """Outline → SHA-256 of its mask."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What else is known, by column of the index."""
    owner: Mapped[str | None] = mapped_column(String(16))
    """Equal for images of one person, and nothing else."""
    likeness: Mapped[bytes | None] = mapped_column(LargeBinary)
    """64 bits of a perceptual hash and the fine structure, to know near duplicates by."""
    nonce: Mapped[str | None] = mapped_column(String(32))
    split: Mapped[str | None] = mapped_column(String(10))
    group_name: Mapped[str | None] = mapped_column(String(16))
    """Equal for images that had to stay together."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    buried_at: Mapped[datetime | None]
    buried_why: Mapped[str | None] = mapped_column(String(10))


class DivisionRecord(Base):
    """How an application's images are divided: decided with its first dataset, the same for all."""

    __tablename__ = "dataset_divisions"

    application: Mapped[str] = mapped_column(String(60), primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    """Secret, and kept with the sides, which are worth nothing without it."""
    group_by: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    shares: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))


class AssignmentRecord(Base):
    """A side, given for good to what is known by this key."""

    __tablename__ = "dataset_assignments"
    __table_args__ = (CheckConstraint("split IN ('training','validation','test')", name="split"),)

    application: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    split: Mapped[str] = mapped_column(String(10))


def readable(actor: Actor | None) -> Select[DatasetRecord]:
    """The datasets this actor may see: all, or none; the operator (None) all."""
    query = select(DatasetRecord)
    return query if actor is None or actor.may(Right.CURATE) else query.where(false())


def picture_used(session: Session, name: str) -> bool:
    return session.scalar(select(DatasetItemRecord.id).where(DatasetItemRecord.picture == name).limit(1)) is not None


def masks_used(session: Session, names: Sequence[str]) -> set[str]:
    """Those of the masks that some item has among its own."""
    mask = func.jsonb_each_text(DatasetItemRecord.masks).table_valued("key", "value", name="mask")
    query = select(mask.c.value).select_from(DatasetItemRecord).join(mask, true()).where(mask.c.value.in_(names))
    return set(session.scalars(query.where(DatasetItemRecord.masks.is_not(None)).distinct()))
