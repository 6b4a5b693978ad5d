"""Business cases that people keep."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.store.db import Base, Identified, now


class ScenarioRecord(Identified, Base):
    __tablename__ = "scenarios"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    currency: Mapped[str] = mapped_column(String(3))
    assumptions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """A ``domain.finance.Case``."""
    saved_at: Mapped[datetime] = mapped_column(default=now)
