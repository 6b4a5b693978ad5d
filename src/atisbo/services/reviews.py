"""Saying whether an answer was right, saying it anew, and reading what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, tuple_
from sqlalchemy.orm import Session

from atisbo.domain import reviews as rules
from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.predictions import Status
from atisbo.domain.reviews import Review, Verdict
from atisbo.errors import NotAllowed, NotFound, Outdated
from atisbo.services import cursors, predictions
from atisbo.store import reviews as store
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.reviews import ReviewRecord

__all__ = ["Page", "ReviewView", "find", "forget", "get", "history", "list_", "mine", "put"]


@dataclass(frozen=True)
class ReviewView:
    """One version of a review; ``current`` is the one that counts."""

    prediction_id: UUID
    author_id: UUID
    application: str
    version: int
    verdict: Verdict
    label: str | None
    metadata: dict[str, Any]
    created_at: datetime
    current: bool


@dataclass(frozen=True)
class Page:
    """Newest first; ``next`` continues where this page ends."""

    items: list[ReviewView]
    next: str | None


def find(session: Session, actor: Actor, *, prediction_id: UUID) -> PredictionRecord:
    """The prediction, if this actor may review it.

    Raises:
        NotFound: not there, or not visible to this actor.
        NotAllowed: visible, somebody else's, and the actor is no curator.
    """
    actor.require(Right.REVIEW)
    record = predictions.find(session, actor, prediction_id)
    if record.owner_id != actor.user_id and not actor.may(Right.REVIEW_ALL):
        raise NotAllowed("review_foreign", "This image belongs to somebody else. Only a curator can review it.")
    return record


def put(
    session: Session,
    actor: Actor,
    *,
    application: Application,
    card: Card,
    prediction_id: UUID,
    verdict: Verdict,
    label: str | None = None,
    metadata: Mapping[str, object] | None = None,
    expected: int | None = None,
) -> ReviewView:
    """Write the actor's review of a prediction, as a new version if there is one already.

    Saying the same again writes nothing.

    Args:
        expected: the version that the actor has read, 0 for none; None writes whatever is there.

    Raises:
        NotFound, NotAllowed: see ``find``.
        Outdated: another version was written meanwhile.
        Conflict, Invalid: see ``domain.reviews.check``.
    """
    record = find(session, actor, prediction_id=prediction_id)
    said = rules.check(
        fields=application.review.fields,
        labels=card.output.labels,
        status=Status(record.status),
        findings=record.findings,
        said=Review(verdict, label, {}),
        metadata=metadata or {},
    )
    if not store.lock_prediction(session, record.id):
        raise NotFound("prediction_unknown", "There is no such prediction, or it has been deleted.")
    earlier = session.scalar(_current(actor).where(ReviewRecord.prediction_id == record.id))
    version = earlier.version if earlier else 0
    if expected is not None and expected != version:
        raise Outdated("review_changed", "This review was changed meanwhile. Look at it again.")
    if earlier is not None:
        if _said(earlier) == said:
            return _view(earlier)
        earlier.superseded_at = now()
        session.flush()
    return _view(_add(session, actor, record, version + 1, said))


def _add(session: Session, actor: Actor, record: PredictionRecord, version: int, said: Review) -> ReviewRecord:
    written = ReviewRecord(
        prediction=record,
        author_id=actor.user_id,
        version=version,
        verdict=said.verdict.value,
        label=said.label,
        answers=said.metadata,
    )
    session.add(written)
    session.flush()
    return written


def _said(record: ReviewRecord) -> Review:
    return Review(Verdict(record.verdict), record.label, record.answers)


def get(session: Session, actor: Actor, *, prediction_id: UUID) -> ReviewView:
    """The actor's own review of a prediction.

    Raises:
        NotFound: no such prediction for this actor, or no review of theirs.
    """
    find(session, actor, prediction_id=prediction_id)
    record = session.scalar(_current(actor).where(ReviewRecord.prediction_id == prediction_id))
    if record is None:
        raise NotFound("review_unknown", "You have not reviewed this prediction.")
    return _view(record)


def history(session: Session, actor: Actor, *, prediction_id: UUID) -> list[ReviewView]:
    """Every version of every review of a prediction that the actor may see, newest first."""
    find(session, actor, prediction_id=prediction_id)
    query = store.readable(actor).where(ReviewRecord.prediction_id == prediction_id)
    return [_view(record) for record in session.scalars(query.order_by(ReviewRecord.created_at.desc()))]


def mine(session: Session, actor: Actor, *, prediction_ids: Sequence[UUID]) -> dict[UUID, ReviewView]:
    """The actor's own current reviews of these predictions, for lists of them."""
    actor.require(Right.REVIEW)
    records = session.scalars(_current(actor).where(ReviewRecord.prediction_id.in_(prediction_ids)))
    return {record.prediction_id: _view(record) for record in records}


def list_(
    session: Session, actor: Actor, *, application: str | None = None, limit: int = 50, before: str | None = None
) -> Page:
    """One's own current reviews, newest first."""
    actor.require(Right.REVIEW)
    query = _current(actor)
    if application is not None:
        query = query.where(ReviewRecord.prediction.has(PredictionRecord.application == application))
    key = tuple_(ReviewRecord.created_at, ReviewRecord.id)
    if before is not None:
        query = query.where(key < cursors.position(before))
    records = list(session.scalars(query.order_by(key.desc()).limit(limit + 1)))
    more = len(records) > limit
    records = records[:limit]
    return Page(
        [_view(record) for record in records],
        cursors.mark(records[-1].created_at, records[-1].id) if more else None,
    )


def forget(session: Session, actor: Actor, *, prediction_id: UUID) -> None:
    """Remove the actor's review of a prediction with all its versions: what should not have been written is gone."""
    get(session, actor, prediction_id=prediction_id)
    session.execute(
        delete(ReviewRecord).where(ReviewRecord.prediction_id == prediction_id, ReviewRecord.author_id == actor.user_id)
    )


def _current(actor: Actor) -> Select[ReviewRecord]:
    return store.readable(actor).where(ReviewRecord.author_id == actor.user_id, ReviewRecord.superseded_at.is_(None))


def _view(record: ReviewRecord) -> ReviewView:
    return ReviewView(
        prediction_id=record.prediction_id,
        author_id=record.author_id,
        application=record.prediction.application,
        version=record.version,
        verdict=Verdict(record.verdict),
        label=record.label,
        metadata=record.answers,
        created_at=record.created_at,
        current=record.superseded_at is None,
    )
