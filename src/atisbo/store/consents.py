"""Consents: who agreed to which text, when, and until when."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.accounts import UserRecord
from atisbo.store.db import Base, Identified, now


class ConsentRecord(Identified, Base):
    """A yes. ``use`` is to the service; ``training`` to learning from one image, ``sharing`` to its being found."""

    __tablename__ = "consents"
    __table_args__ = (
        CheckConstraint("kind IN ('use','training','sharing')", name="kind"),
        CheckConstraint("(kind IN ('training','sharing')) = (image_id IS NOT NULL)", name="image"),
        CheckConstraint("(kind = 'training') = (application IS NOT NULL)", name="application"),
        Index(
            "uq_consents_use",
            "user_id",
            "version",
            unique=True,
            postgresql_where=text("kind = 'use' AND withdrawn_at IS NULL"),
        ),
        Index(
            "uq_consents_training",
            "image_id",
            "application",
            unique=True,
            postgresql_where=text("kind = 'training' AND withdrawn_at IS NULL"),
        ),
        Index(
            "uq_consents_sharing",
            "image_id",
            unique=True,
            postgresql_where=text("kind = 'sharing' AND withdrawn_at IS NULL"),
        ),
        Index("ix_consents_user", "user_id", "given_at"),
        Index("ix_consents_image", "image_id"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    application: Mapped[str | None] = mapped_column(String(60))
    image_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    version: Mapped[int]
    """Of the text."""
    sha256: Mapped[str] = mapped_column(String(64))
    """Of the text as it was read, in ``language``."""
    language: Mapped[str] = mapped_column(String(5))
    given_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]


def given(session: Session, *, user_id: uuid.UUID, version: int) -> ConsentRecord | None:
    """The user's standing yes to this version of the general text."""
    return session.scalar(
        select(ConsentRecord).where(
            ConsentRecord.user_id == user_id,
            ConsentRecord.kind == "use",
            ConsentRecord.version == version,
            ConsentRecord.withdrawn_at.is_(None),
        )
    )


def of_image(session: Session, image_id: uuid.UUID, kind: str) -> list[ConsentRecord]:
    """The standing yeses of this kind to this image: to learning from it one for each application that asked."""
    return list(
        session.scalars(
            select(ConsentRecord).where(
                ConsentRecord.image_id == image_id, ConsentRecord.kind == kind, ConsentRecord.withdrawn_at.is_(None)
            )
        )
    )


_SHARE: Final = text("SELECT pg_advisory_xact_lock_shared(:key)")
_HELD: Final = (
    select(UserRecord.id)
    .join(ConsentRecord, ConsentRecord.user_id == UserRecord.id)
    .where(
        UserRecord.id == bindparam("user_id"),
        ConsentRecord.kind == "use",
        ConsentRecord.version == bindparam("version"),
        ConsentRecord.withdrawn_at.is_(None),
    )
    .with_for_update(read=True, key_share=True, of=UserRecord)
)


def hold(session: Session, *, user_id: uuid.UUID, version: int) -> bool:
    """Whether the user agreed to this version; if so, the account cannot be erased until the transaction ends."""
    session.execute(_SHARE, {"key": _queue(user_id)})
    return session.scalar(_HELD, {"user_id": user_id, "version": version}) is not None


def stand_in_line(session: Session, user_id: uuid.UUID) -> None:
    """Let this user's later uploads wait until the transaction ends.

    Locks of rows are not given in turn: while uploads follow one another, whoever wants the row for himself would wait
    for ever. Advisory locks are.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _queue(user_id)})


def _queue(user_id: uuid.UUID) -> int:
    return int.from_bytes(user_id.bytes[:8], signed=True)


def lock_user(session: Session, user_id: uuid.UUID) -> bool:
    """Hold uploads and other changes of this user off until the transaction ends; False if the user is gone."""
    stand_in_line(session, user_id)
    return session.scalar(select(UserRecord.id).where(UserRecord.id == user_id).with_for_update()) is not None
