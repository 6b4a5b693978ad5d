"""Saying whether an answer was right, saying it anew, and reading what was said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, exists, select, tuple_
from sqlalchemy.orm import Session, object_session

from atisbo.domain import reviews as rules
from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.corrections import MaskState
from atisbo.domain.predictions import Failure, Status
from atisbo.domain.reviews import Review, Verdict
from atisbo.errors import NotAllowed, NotFound, Outdated
from atisbo.services import cursors, predictions
from atisbo.store import embeddings, readings
from atisbo.store import reviews as store
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import SWEEP, enqueue
from atisbo.store.reviews import ReviewRecord

__all__ = ["Mask", "Page", "ReviewView", "find", "forget", "get", "history", "list_", "mine", "put"]


@dataclass(frozen=True)
class Mask:
    """The corrected outline of a review; ``sent`` and ``sha256`` name it as it came and as it is kept."""

    state: MaskState
    sent: str
    sha256: str | None = None
    dice: dict[str, float] | None = None
    """With the network's outline, by layer."""
    failure: Failure | None = None


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
    mask: Mask | None
    created_at: datetime
    current: bool


@dataclass(frozen=True)
class Page:
    """Newest first; ``next`` continues where this page ends."""

    items: list[ReviewView]
    next: str | None


def find(session: Session, actor: Actor, *, prediction_id: UUID, blind: bool = True) -> PredictionRecord:
    """The prediction, if this actor may review it.

    Args:
        blind: nothing of the answer is said to the actor; see ``predictions.find``.

    Raises:
        NotFound: not there, or not visible to this actor.
        NotAllowed: visible, somebody else's, and the actor is no curator; or it is read blind.
    """
    actor.require(Right.REVIEW)
    record = predictions.find(session, actor, prediction_id, blind=blind)
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
    blind: bool = False,
) -> ReviewView:
    """Write the actor's review of a prediction, as a new version if there is one already.

    Saying the same again writes nothing.

    Args:
        expected: the version that the actor has read, 0 for none; None writes whatever is there.
        blind: for ``inbox.answer``, which says no verdict in the place of somebody who is not to know the answer.

    Raises:
        NotFound, NotAllowed: see ``find``.
        Outdated: another version was written meanwhile.
        Conflict, Invalid: see ``domain.reviews.check``.
    """
    record = find(session, actor, prediction_id=prediction_id, blind=blind)
    checked = rules.check(
        fields=application.review.fields,
        labels=card.output.labels,
        status=Status(record.status),
        findings=record.findings,
        said=Review(verdict, label, {}),
        metadata=metadata or {},
    )
    earlier = latest(session, actor, record, expected)
    standing = readings.standing(session, record.id, actor.user_id)
    if earlier is not None and said(earlier) == checked and earlier.standing == standing:
        return view(earlier)
    return view(add(session, actor, record, earlier, checked, mask_of(earlier) if earlier else None))


def latest(session: Session, actor: Actor, record: PredictionRecord, expected: int | None) -> ReviewRecord | None:
    """The actor's review as it stands, with everybody else held off until the transaction ends.

    Raises:
        NotFound: the prediction was deleted meanwhile.
        Outdated: the version is not the expected one.
    """
    if not store.lock_prediction(session, record.id):
        raise NotFound("prediction_unknown", "There is no such prediction, or it has been deleted.")
    earlier = session.scalar(store.current(record.id, actor.user_id))
    if expected is not None and expected != (earlier.version if earlier else 0):
        raise Outdated("review_changed", "This review was changed meanwhile. Look at it again.")
    return earlier


def add(
    session: Session,
    actor: Actor,
    record: PredictionRecord,
    earlier: ReviewRecord | None,
    said: Review,
    mask: Mask | None,
) -> ReviewRecord:
    """Write a version after ``earlier``, which it supersedes; for other services, which have checked what it says."""
    if earlier is not None:
        earlier.superseded_at = now()
        session.flush()
    written = ReviewRecord(
        prediction=record,
        author_id=actor.user_id,
        version=earlier.version + 1 if earlier else 1,
        verdict=said.verdict.value,
        label=said.label,
        answers=said.metadata,
        standing=readings.standing(session, record.id, actor.user_id),
        mask=mask and mask.sha256,
        mask_state=mask and mask.state.value,
        mask_sent=mask and mask.sent,
        mask_dice=mask and mask.dice,
        mask_failure=mask.failure.model_dump(mode="json") if mask and mask.failure else None,
    )
    session.add(written)
    session.flush()
    embeddings.relabel(session, record.id)
    return written


def said(record: ReviewRecord) -> Review:
    return Review(Verdict(record.verdict), record.label, record.answers)


def mask_of(record: ReviewRecord) -> Mask | None:
    if record.mask_state is None or record.mask_sent is None:
        return None
    failure = Failure.model_validate(record.mask_failure) if record.mask_failure else None
    return Mask(MaskState(record.mask_state), record.mask_sent, record.mask, record.mask_dice, failure)


def of_author(session: Session, actor: Actor, *, prediction_id: UUID, author_id: UUID) -> ReviewRecord | None:
    """Somebody's review as it stands, if this actor may see it (now: see ``history``)."""
    if author_id != actor.user_id and readings.blind(session, prediction_id, actor.user_id):
        return None
    query = store.readable(actor).where(
        ReviewRecord.prediction_id == prediction_id,
        ReviewRecord.author_id == author_id,
        ReviewRecord.superseded_at.is_(None),
    )
    return session.scalar(query)


def get(session: Session, actor: Actor, *, prediction_id: UUID) -> ReviewView:
    """The actor's own review of a prediction.

    Raises:
        NotFound: no such prediction for this actor, or no review of theirs.
    """
    find(session, actor, prediction_id=prediction_id)
    record = session.scalar(_current(actor).where(ReviewRecord.prediction_id == prediction_id))
    if record is None:
        raise NotFound("review_unknown", "You have not reviewed this prediction.")
    return view(record)


def history(session: Session, actor: Actor, *, prediction_id: UUID) -> list[ReviewView]:
    """Every version of every review of a prediction that the actor may see, newest first.

    Whoever may be asked to read it blind sees nobody else's before that is over.
    """
    find(session, actor, prediction_id=prediction_id)
    query = store.readable(actor).where(ReviewRecord.prediction_id == prediction_id)
    if readings.blind(session, prediction_id, actor.user_id):
        query = query.where(ReviewRecord.author_id == actor.user_id)
    return [view(record) for record in session.scalars(query.order_by(ReviewRecord.created_at.desc()))]


def mine(session: Session, actor: Actor, *, prediction_ids: Sequence[UUID]) -> dict[UUID, ReviewView]:
    """The actor's own current reviews of these predictions, for lists of them."""
    actor.require(Right.REVIEW)
    records = session.scalars(_current(actor).where(ReviewRecord.prediction_id.in_(prediction_ids)))
    return {record.prediction_id: view(record) for record in records}


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
    records = list(
        session.scalars(query.order_by(ReviewRecord.created_at.desc(), ReviewRecord.id.desc()).limit(limit + 1))
    )
    more = len(records) > limit
    records = records[:limit]
    return Page(
        [view(record) for record in records],
        cursors.mark(records[-1].created_at, records[-1].id) if more else None,
    )


def forget(session: Session, actor: Actor, *, prediction_id: UUID) -> None:
    """Remove the actor's review of a prediction with all its versions: what should not have been written is gone."""
    get(session, actor, prediction_id=prediction_id)
    own = ReviewRecord.prediction_id == prediction_id, ReviewRecord.author_id == actor.user_id
    if session.scalar(select(exists().where(*own, ReviewRecord.mask_state.is_not(None)))):
        enqueue(session, SWEEP, {"prediction": str(prediction_id)})
    session.execute(delete(ReviewRecord).where(*own))
    embeddings.relabel(session, prediction_id)


def _current(actor: Actor) -> Select[ReviewRecord]:
    return store.readable(actor).where(ReviewRecord.author_id == actor.user_id, ReviewRecord.superseded_at.is_(None))


def view(record: ReviewRecord) -> ReviewView:
    """Without how far an outline agrees with the network's where that is not to be known yet."""
    mask, session = mask_of(record), object_session(record)
    others = record.author_id != record.prediction.owner_id
    if mask is not None and others and session is not None and readings.hides(session, record.prediction_id):
        mask = replace(mask, dice=None)
    return ReviewView(
        prediction_id=record.prediction_id,
        author_id=record.author_id,
        application=record.prediction.application,
        version=record.version,
        verdict=Verdict(record.verdict),
        label=record.label,
        metadata=record.answers,
        mask=mask,
        created_at=record.created_at,
        current=record.superseded_at is None,
    )
