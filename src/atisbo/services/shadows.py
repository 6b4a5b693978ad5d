"""Candidates that answer live pictures in silence, and where they disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, cast, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.cards import Card
from atisbo.domain.images import Region
from atisbo.domain.versions import CANDIDATE, State
from atisbo.errors import Conflict, NotFound
from atisbo.services import audit, predictions
from atisbo.services.versions import VersionView, find, view
from atisbo.store import versions as store
from atisbo.store.blobs import Blobs, answered, derived
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord, readable
from atisbo.store.queue import PATIENT, SHADOW, enqueue_all
from atisbo.store.shadows import ShadowRecord
from atisbo.store.versions import VersionRecord

_ANSWERED: Final = ("done", "unsure", "refused")


@dataclass(frozen=True)
class Question:
    """What a worker asks a candidate, and what was said aloud."""

    card: Card
    application: str
    original: str
    region: Region | None
    beside: str
    status: str
    findings: dict[str, Any] | None
    mask: str
    """Name of the mask that was outlined aloud, if any was."""


@dataclass(frozen=True)
class Disagreement:
    prediction_id: UUID
    at: datetime
    beside: str
    aloud: str
    """Status of the answer aloud; ``said`` is what it found."""
    said: dict[str, Any] | None
    silent: str
    found: dict[str, Any] | None
    agreement: float
    same: bool
    pictured: bool


@dataclass(frozen=True)
class Shadow:
    """How a candidate did so far, and where it disagreed most."""

    answers: int
    same: int
    worst: list[Disagreement]


def switch(session: Session, actor: Actor, *, version_id: UUID, on: bool) -> VersionView:
    """Let a candidate answer in silence, or end that. Of an application one may at a time.

    Raises:
        Conflict: it is no candidate.
    """
    record = find(session, actor, version_id)
    store.lock(session, record.application)
    session.refresh(record)
    if on and State(record.state) not in CANDIDATE:
        raise Conflict("version_no_candidate", "This version was not accepted, so it cannot answer.")
    of_application = update(VersionRecord).where(VersionRecord.application == record.application)
    session.execute(of_application.values(shadow_since=None))
    session.refresh(record)
    record.shadow_since = now() if on else None
    session.flush()
    store.notify(session, record.application)
    action = "version.shadowing" if on else "version.unshadowed"
    audit.note(session, actor, action, f"version:{record.id}", version=record.name)
    return view(session, record)


def wanted(session: Session) -> bool:
    """For workers: whether any candidate answers in silence."""
    return bool(session.scalar(select(exists().where(VersionRecord.shadow_since.is_not(None)))))


def follow(session: Session, ids: Sequence[UUID]) -> None:
    """For workers: after answers were recorded, queue them for the candidates, behind everything else."""
    query = (
        select(PredictionRecord.id, VersionRecord.id)
        .join(VersionRecord, VersionRecord.application == PredictionRecord.application)
        .where(
            PredictionRecord.id.in_(ids),
            PredictionRecord.status.in_(_ANSWERED),
            PredictionRecord.version.is_distinct_from(VersionRecord.name),
            VersionRecord.shadow_since.is_not(None),
        )
    )
    jobs = [{"prediction": str(prediction), "version": str(version)} for prediction, version in session.execute(query)]
    enqueue_all(session, SHADOW, jobs, priority=PATIENT)


def question(session: Session, *, prediction_id: UUID, version_id: UUID) -> Question | None:
    """For workers: what to ask; None if it is not wanted any more."""
    prediction, version = session.get(PredictionRecord, prediction_id), session.get(VersionRecord, version_id)
    if prediction is None or version is None or version.shadow_since is None:
        return None
    return Question(
        Card.model_validate(version.card),
        prediction.application,
        prediction.image.sha256,
        Region(**prediction.region) if prediction.region else None,
        prediction.version or "",
        prediction.status,
        prediction.findings,
        answered(prediction.id, prediction.attempt),
    )


def record(session: Session, *, prediction_id: UUID, version_id: UUID, **said: Any) -> None:
    """For workers: write an answer down; the first one counts, and none of a prediction that is gone."""
    if session.get(PredictionRecord, prediction_id) is None:
        return
    row = {"prediction_id": prediction_id, "version_id": version_id, "created_at": now(), **said}
    session.execute(insert(ShadowRecord).values(row).on_conflict_do_nothing())


def read(session: Session, actor: Actor, *, blobs: Blobs, version_id: UUID, limit: int = 24) -> Shadow:
    """How often a candidate agreed, and the answers on which it disagreed most."""
    version = find(session, actor, version_id)
    mine = ShadowRecord.version_id == version.id
    count = select(func.count(), func.sum(cast(ShadowRecord.same, Integer))).where(mine)
    answers, same = session.execute(count).one()
    seen = readable(actor).with_only_columns(PredictionRecord.id)
    query = (
        select(ShadowRecord, PredictionRecord)
        .join(PredictionRecord, PredictionRecord.id == ShadowRecord.prediction_id)
        .where(mine, ~ShadowRecord.same, PredictionRecord.id.in_(seen))
        .order_by(ShadowRecord.agreement, ShadowRecord.created_at.desc())
        .limit(limit)
    )
    worst = [_disagreement(blobs, version.id, *row) for row in session.execute(query)]
    return Shadow(answers, int(same or 0), worst)


def _disagreement(blobs: Blobs, version_id: UUID, shadow: ShadowRecord, said: PredictionRecord) -> Disagreement:
    return Disagreement(
        said.id,
        shadow.created_at,
        shadow.beside,
        said.status,
        _plain(said.findings),
        shadow.status,
        _plain(shadow.findings),
        shadow.agreement,
        shadow.same,
        blobs.has(picture_name(said.id, version_id)),
    )


def _plain(findings: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without outlines."""
    kept = ("task", "label", "probability", "probabilities", "uncertainty", "area_percent")
    return {name: value for name, value in findings.items() if name in kept} if findings else None


def picture_name(prediction_id: UUID, version_id: UUID) -> str:
    """Among the prediction's own pictures, with which it is erased."""
    return derived(prediction_id, f"shadow-{version_id}.png")


def picture(session: Session, actor: Actor, *, blobs: Blobs, version_id: UUID, prediction_id: UUID) -> bytes:
    """What a candidate outlined in silence.

    Raises:
        NotFound: there is no such picture.
        NotAllowed: see ``predictions.find``.
    """
    version = find(session, actor, version_id)
    predictions.find(session, actor, prediction_id)
    known = session.get(ShadowRecord, (prediction_id, version.id))
    data = blobs.get(picture_name(prediction_id, version.id)) if known else None
    if data is None:
        raise NotFound("picture_unknown", "There is no such picture.")
    return data
