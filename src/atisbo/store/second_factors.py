"""Second factors: whose is on, and what was used. The shared secret is derived from the service's, never stored."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from atisbo.store.db import Base


class SecondFactorRecord(Base):
    __tablename__ = "second_factors"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(default=1)
    """Rises with every setting up; each has a secret of its own."""
    confirmed_at: Mapped[datetime | None]
    """None until the first code was right; only then is it asked for."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """Time step of the last code that was taken: none is taken twice."""
    wrong: Mapped[int] = mapped_column(default=0)
    """Codes in a row that were not right."""
    recovery: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary), default=list)
    """Hashes of the recovery codes that are left."""
