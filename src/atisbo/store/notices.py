"""Notices: long work that ended, for whoever asked for it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.domain.access import Actor
from atisbo.store.db import Base, Identified, now


class NoticeRecord(Identified, Base):
    __tablename__ = "notices"
    __table_args__ = (
        CheckConstraint("kind IN ('batch','dataset','run')", name="kind"),
        Index("ix_notices_owner_created", "owner_id", "created_at"),
    )

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    """See ``domain.notices.Kind``."""
    about: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Of a batch ``application``, ``count``, ``failed``; of other work ``id``, ``name``, ``failed``."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime | None]


def readable(actor: Actor) -> Select[NoticeRecord]:
    """One's own."""
    return select(NoticeRecord).where(NoticeRecord.owner_id == actor.user_id)
