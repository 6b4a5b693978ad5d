"""Tensors on their way to a worker and back: they live for as long as the program that asked waits."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from sqlalchemy import LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.db import Base, Identified, now
from atisbo.store.predictions import notify


class TensorRecord(Identified, Base):
    """Of whoever asked nothing is in it. The table is unlogged: after a crash nobody waits for its rows."""

    __tablename__ = "tensors"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    application: Mapped[str]
    version: Mapped[str | None]
    """A version that is not active; None for the one that is."""
    shape: Mapped[list[int]] = mapped_column(JSONB)
    pixels: Mapped[bytes] = mapped_column(LargeBinary)
    said: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What the worker says of its answer, or why there is none."""
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


class Given(NamedTuple):
    said: dict[str, Any]
    answer: bytes


def give(session: Session, tensor_id: uuid.UUID, said: dict[str, Any], answer: bytes) -> None:
    """Hand the answer over, if somebody still waits for it, and say so."""
    waits = session.execute(
        text("UPDATE tensors SET said = :said, answer = :answer, pixels = '' WHERE id = :id RETURNING id"),
        {"id": tensor_id, "said": Jsonb(said), "answer": answer},
    ).all()
    if waits:
        notify(session, f"{tensor_id} {tensor_id} done")


def take(session: Session, tensor_id: uuid.UUID) -> Given | None:
    """The answer, which is gone with this; None while it is not there."""
    query = text("DELETE FROM tensors WHERE id = :id AND said IS NOT NULL RETURNING said, answer")
    row = session.execute(query, {"id": tensor_id}).one_or_none()
    return None if row is None else Given(row.said, bytes(row.answer))


def forget(session: Session, tensor_id: uuid.UUID) -> None:
    """What nobody waits for any more: this one, and any that a fallen process left behind."""
    query = text("DELETE FROM tensors WHERE id = :id OR created_at < now() - interval '5 minutes'")
    session.execute(query, {"id": tensor_id})
