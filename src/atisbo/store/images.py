"""Uploaded images: one row an upload; the bytes lie under their hash and may be shared by several rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Select, String, exists, false, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.domain.access import Actor, Right
from atisbo.store.db import Base, Identified, hold, now
from atisbo.store.deletions import DeletionRecord


class ImageRecord(Identified, Base):
    __tablename__ = "images"
    __table_args__ = (CheckConstraint("byte_size > 0", name="byte_size"),)

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    byte_size: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(200))
    """What the owner called it: shown to people, never used as a path."""
    width: Mapped[int | None]
    """Pixels of the upright picture; known once a worker has opened it."""
    height: Mapped[int | None]
    training_consent: Mapped[bool] = mapped_column(default=False)
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether others may find it as a similar picture."""
    created_at: Mapped[datetime] = mapped_column(default=now)


def readable(actor: Actor) -> Select[ImageRecord]:
    """The images this actor may see: their own, or all."""
    query = select(ImageRecord)
    return query if actor.may(Right.SEE_ALL) else query.where(ImageRecord.owner_id == actor.user_id)


def still_used(session: Session, sha256: str) -> bool:
    """Whether a row has these bytes, or one that can still be brought back."""
    here = exists().where(ImageRecord.sha256 == sha256)
    return bool(session.scalar(select(here | exists().where(DeletionRecord.original == sha256))))


def lock_originals(session: Session, names: Iterable[str]) -> None:
    """Hold others off these originals until the transaction ends: deleting and re-uploading must not cross."""
    hold(session, [int(name[:15], 16) for name in names])
