"""Versions of the applications' networks, and which of them was active when."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Select, String, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.domain.access import Actor, Right
from atisbo.domain.versions import State
from atisbo.store.db import Base, Identified, now

CHANNEL = "atisbo_versions"
"""NOTIFY channel; the payload is the application whose versions changed."""


class VersionRecord(Identified, Base):
    """States and their meanings: see ``domain.versions.State``. An index bars a second active version."""

    __tablename__ = "versions"
    __table_args__ = (
        CheckConstraint(
            "state IN ('received','refused','submitted','evaluated','active','retired')",
            name="state",
        ),
        CheckConstraint("(state = 'refused') = (failure IS NOT NULL)", name="failure"),
        UniqueConstraint("application", "name"),
        Index("uq_versions_active", "application", unique=True, postgresql_where=text("state = 'active'")),
    )

    application: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(100))
    """``Card.version``: what predictions name."""
    card: Mapped[dict[str, Any]] = mapped_column(JSONB)
    model: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the network's file, and its name among the blobs."""
    state: Mapped[str] = mapped_column(String(10), default=State.RECEIVED.value)
    origin: Mapped[str] = mapped_column(String(10))
    """``folder``: installed with its application; ``file``: brought by somebody; ``run``: trained here."""
    run_id: Mapped[uuid.UUID | None]
    dataset_id: Mapped[uuid.UUID | None]
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"))
    """Which version was active when this one came."""
    note: Mapped[str] = mapped_column(String(2000), default="")
    """What whoever brought it says of it."""
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    evaluation: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The judgement on a sealed test set; see ``domain.evaluations``."""
    shadow_since: Mapped[datetime | None]
    """It answers live pictures in silence since then."""
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class ActivationRecord(Identified, Base):
    """Which version became active when, by whom and why; the newest of an application is the one that answers."""

    __tablename__ = "activations"
    __table_args__ = (
        CheckConstraint("kind IN ('installed','promotion','rollback')", name="kind"),
        Index("ix_activations_application_at", "application", "at"),
    )

    application: Mapped[str] = mapped_column(String(60))
    version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("versions.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(2000), default="")
    verdict: Mapped[str | None] = mapped_column(String(30))
    """What the judgement said at that time: better, worse, cannot be told apart; None where there was none."""
    by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)


def readable(actor: Actor) -> Select[VersionRecord]:
    """The versions this actor may see: those that ever answered, or all."""
    query = select(VersionRecord)
    if actor.may(Right.MANAGE_VERSIONS):
        return query
    return query.where(VersionRecord.id.in_(select(ActivationRecord.version_id)))


def active(session: Session, application: str) -> VersionRecord | None:
    return session.scalar(
        select(VersionRecord).where(VersionRecord.application == application, VersionRecord.state == State.ACTIVE.value)
    )


def lock(session: Session, application: str) -> None:
    """Hold others off this application's versions until the transaction ends."""
    key = f"versions {application}"
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})


def previous(session: Session, application: str) -> VersionRecord | None:
    """What was active before the present one. What was rolled back from is left out: a second step goes further."""
    query = select(ActivationRecord).where(ActivationRecord.application == application).order_by(ActivationRecord.at)
    trail: list[uuid.UUID] = []
    for one in session.scalars(query):
        if one.kind == "rollback" and one.version_id in trail:
            del trail[trail.index(one.version_id) + 1 :]
        elif one.version_id not in trail[-1:]:
            trail.append(one.version_id)
    return session.get(VersionRecord, trail[-2]) if len(trail) > 1 else None


def notify(session: Session, application: str) -> None:
    """Tell every process that keeps versions, when this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": application})
