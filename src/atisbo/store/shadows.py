"""What candidates answered in silence, beside the version that answered aloud."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.store.db import Base, now


class ShadowRecord(Base):
    """One candidate's answer to one prediction's picture; it goes with either of them."""

    __tablename__ = "shadow_answers"
    __table_args__ = (
        CheckConstraint("status IN ('done','unsure','refused','failed')", name="status"),
        CheckConstraint("agreement BETWEEN 0 AND 1", name="agreement"),
        Index("ix_shadow_answers_agreement", "version_id", "agreement"),
    )

    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"), primary_key=True)
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True)
    beside: Mapped[str] = mapped_column(String(100))
    """Name of the version that answered aloud."""
    status: Mapped[str] = mapped_column(String(10))
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    agreement: Mapped[float]
    """1: the two said the same; see ``domain.shadows.agreement``."""
    same: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(default=now)
