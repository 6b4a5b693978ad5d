"""Predictions: a question, who holds it, and what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import (
    REAL,
    CheckConstraint,
    ColumnElement,
    Computed,
    ForeignKey,
    Index,
    Select,
    SmallInteger,
    String,
    UniqueConstraint,
    column,
    exists,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, Session, column_property, mapped_column, relationship

from atisbo.domain.access import Actor, Right
from atisbo.domain.consents import Kind
from atisbo.store.consents import ConsentRecord
from atisbo.store.db import Base, Identified, now
from atisbo.store.images import ImageRecord
from atisbo.store.vectors import Vector, written

CHANNEL = "atisbo_predictions"
"""NOTIFY channel; the payload is ``owner prediction status``."""


_ANSWER = "CASE WHEN (findings ->> 'empty')::boolean THEN '' ELSE left(findings ->> 'label', 100) END"
_DOUBT = "(findings ->> 'uncertainty')::double precision"


class PredictionRecord(Identified, Base):
    """States and their meanings: see ``domain.predictions.Status``. A CHECK bars impossible pairs."""

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint("status IN ('waiting','running','done','unsure','refused','failed')", name="status"),
        CheckConstraint("(status IN ('waiting','running')) = (finished_at IS NULL)", name="finished"),
        CheckConstraint("(status IN ('refused','failed')) = (failure IS NOT NULL)", name="failure"),
        CheckConstraint("(pair_id IS NULL) = (side IS NULL)", name="pair"),
        CheckConstraint("status NOT IN ('done','unsure') OR findings IS NOT NULL", name="findings"),
        UniqueConstraint("owner_id", "idempotency_key"),
        Index("ix_predictions_owner_created", "owner_id", "created_at"),
        Index("ix_predictions_application_created", "application", "created_at", "id"),
        Index("ix_predictions_application_answer", "application", "answer", "created_at", "id"),
        Index(
            "ix_predictions_troubled",
            "application",
            "status",
            "created_at",
            "id",
            postgresql_where=text("status IN ('unsure','refused','failed')"),
        ),
        Index(
            "ix_predictions_open",
            "created_at",
            postgresql_where=text("status IN ('waiting','running')"),
        ),
        Index("ix_predictions_finished_at", "finished_at"),
        Index("ix_predictions_pair", "pair_id", postgresql_where=text("pair_id IS NOT NULL")),
    )

    image_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    application: Mapped[str] = mapped_column(String(60))
    region: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    pair_id: Mapped[uuid.UUID | None]
    """Shared with the other picture of the same person, whoever that is; ``side`` tells the two apart."""
    side: Mapped[str | None] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(10), default="waiting")
    attempt: Mapped[int] = mapped_column(default=0)
    """Rises with every claim; a result is only taken from the latest, so a late write of a lost lease is refused."""
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    """How often it failed by what may be its own fault; see ``store.suspects``."""
    version: Mapped[str | None] = mapped_column(String(100))
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    answer: Mapped[str | None] = mapped_column(String(100), Computed(_ANSWER, persisted=True))
    """The label that was found; empty where nothing was outlined. Made of the findings, to be looked for."""
    doubt: Mapped[float | None] = mapped_column(Computed(_DOUBT, persisted=True))
    """The findings' uncertainty."""
    brightness: Mapped[float | None] = mapped_column(REAL)
    """How light the analysed part is, and ``contrast`` how much that varies; see ``Outcome``."""
    contrast: Mapped[float | None] = mapped_column(REAL)
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[str | None] = mapped_column(String(64))
    """Of the request made with the idempotency key, to tell a retry from a mistake."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    image: Mapped[ImageRecord] = relationship(lazy="joined", innerjoin=True)
    consented: Mapped[bool] = column_property(
        exists().where(
            ConsentRecord.image_id == image_id,
            ConsentRecord.kind == Kind.TRAINING.value,
            ConsentRecord.application == application,
            ConsentRecord.withdrawn_at.is_(None),
        )
    )
    """Its application may learn from the image: whoever owns it has agreed to that application's text."""


@dataclass(frozen=True)
class Outcome:
    """What a worker has to say of one prediction."""

    prediction_id: uuid.UUID
    attempt: int
    status: str
    version: str | None = None
    findings: dict[str, Any] | None = None
    failure: dict[str, Any] | None = None
    size: tuple[int, int] | None = None
    """Width and height of the upright original in pixels."""
    vector: Vector | None = None
    """How the picture looks to the version, for similarity; ``palette``, ``grain`` and ``tone`` are kept beside it."""
    palette: Vector | None = None
    grain: Vector | None = None
    tone: Vector | None = None
    """Means of the analysed pixels' red, green and blue, 0 dark to 255 bright."""
    brightness: float | None = None
    """Mean of the analysed pixels' red, green and blue, 0 black to 255 white."""
    contrast: float | None = None
    """Their standard deviation."""


_PANELS = table("panels", column("prediction_id"), column("hidden"), column("agreed"))
"""See ``store.readings.PanelRecord``, which is made of predictions."""


def read_blind() -> ColumnElement[bool]:
    """Two readers are asked for it who are not to know the answer, and they have not been compared yet."""
    return exists().where(_PANELS.c.prediction_id == PredictionRecord.id, _PANELS.c.hidden, _PANELS.c.agreed.is_(None))


def readable(actor: Actor) -> Select[PredictionRecord]:
    """The predictions whose answers this actor may see: their own, or all but those that are read blind.

    Anybody who may see all may be one of the readers, or might tell them.
    """
    query = visible(actor)
    return (
        query.where(or_(PredictionRecord.owner_id == actor.user_id, ~read_blind()))
        if actor.may(Right.SEE_ALL)
        else query
    )


def visible(actor: Actor) -> Select[PredictionRecord]:
    """The predictions whose pictures this actor may see: their own, or all."""
    query = select(PredictionRecord)
    return query if actor.may(Right.SEE_ALL) else query.where(PredictionRecord.owner_id == actor.user_id)


def claim(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Mark as running; returns the attempt of each. Finished or deleted ones are left out.

    So are those that failed before, or whose worker was lost with them: they are suspects, and stay waiting.
    """
    rows = session.execute(_CLAIM, {"ids": list(ids), "channel": CHANNEL}).all()
    return {row.id: row.attempt for row in rows}


_CLAIM = text(
    """
    WITH claimed AS (
        UPDATE predictions SET attempt = attempt + 1, started_at = now(),
            tries = tries + (status = 'running')::int,
            status = CASE WHEN status = 'waiting' AND tries = 0 THEN 'running' ELSE 'waiting' END
        WHERE id = ANY(:ids) AND status IN ('waiting', 'running')
        RETURNING id, attempt, owner_id, status
    )
    SELECT id, attempt, pg_notify(:channel, concat_ws(' ', owner_id, id, 'running')) FROM claimed
    WHERE status = 'running'
    """
)
_FINISH = text(
    """
    WITH outcome AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:attempts AS int[]), CAST(:statuses AS text[]), CAST(:versions AS text[]),
            CAST(:findings AS jsonb[]), CAST(:failures AS jsonb[]), CAST(:widths AS int[]), CAST(:heights AS int[]),
            CAST(:vectors AS text[]), CAST(:palettes AS text[]), CAST(:grains AS text[]),
            CAST(:tones AS text[]), CAST(:brightnesses AS real[]), CAST(:contrasts AS real[])
        ) AS o(id, attempt, status, version, findings, failure, width, height, vector, palette, grain, tone,
            brightness, contrast)
    ), finished AS (
        UPDATE predictions p SET status = o.status, version = o.version, findings = o.findings,
            failure = o.failure, finished_at = now(), brightness = o.brightness, contrast = o.contrast
        FROM outcome o WHERE p.id = o.id AND p.attempt = o.attempt AND p.status IN ('waiting', 'running')
        RETURNING p.id, p.owner_id, p.image_id, p.application, p.status, p.version, p.findings, o.width, o.height,
            o.vector, o.palette, o.grain, o.tone
    ), sized AS (
        UPDATE images i SET width = f.width, height = f.height
        FROM finished f WHERE i.id = f.image_id AND f.width IS NOT NULL
    ), embedded AS (
        INSERT INTO embeddings (id, application, version, prediction_id, image_id, label, vector, palette, grain,
            tone, created_at)
        SELECT gen_random_uuid(), application, version, id, image_id, findings->>'label', CAST(vector AS vector),
            CAST(palette AS vector), CAST(grain AS vector), CAST(tone AS vector), now()
        FROM finished WHERE vector IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    SELECT id, pg_notify(:channel, concat_ws(' ', owner_id, id, status)) FROM finished
    """
)


def finish(session: Session, outcomes: Sequence[Outcome]) -> set[uuid.UUID]:
    """Write many results in one statement; returns those that were taken, leaving out lost leases and deleted ones."""

    def jsonb(value: dict[str, Any] | None) -> Jsonb | None:
        return None if value is None else Jsonb(value)

    rows = session.execute(
        _FINISH,
        {
            "ids": [o.prediction_id for o in outcomes],
            "attempts": [o.attempt for o in outcomes],
            "statuses": [o.status for o in outcomes],
            "versions": [o.version for o in outcomes],
            "findings": [jsonb(o.findings) for o in outcomes],
            "failures": [jsonb(o.failure) for o in outcomes],
            "widths": [o.size[0] if o.size else None for o in outcomes],
            "heights": [o.size[1] if o.size else None for o in outcomes],
            "vectors": [o.vector and written(o.vector) for o in outcomes],
            "palettes": [o.palette and written(o.palette) for o in outcomes],
            "grains": [o.grain and written(o.grain) for o in outcomes],
            "tones": [o.tone and written(o.tone) for o in outcomes],
            "brightnesses": [o.brightness for o in outcomes],
            "contrasts": [o.contrast for o in outcomes],
            "channel": CHANNEL,
        },
    ).all()
    return {row.id for row in rows}


def notify(session: Session, payload: str) -> None:
    """Tell every listening web process, when this transaction commits."""
    session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": CHANNEL, "payload": payload})
