"""Deleting with a way back: what was deleted is gone from every query at once, and erased a few minutes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import String, Table, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.deletions import Kind
from atisbo.errors import Conflict, NotFound, TooLarge, TooMany
from atisbo.services import audit, panels, quotas
from atisbo.services.questions import job_of
from atisbo.store import deletions as store
from atisbo.store import webhooks
from atisbo.store.db import now
from atisbo.store.deletions import DeletionRecord
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import ERASE, PREDICT, SWEEP, enqueue_all

__all__ = ["Deletion", "Kind", "erase_left", "final", "keep", "recent", "sealed", "undo"]


@dataclass(frozen=True)
class Deletion:
    """What one click deleted, as long as it can be taken back."""

    id: UUID
    kind: Kind
    count: int
    until: datetime


def keep(session: Session, actor: Actor, kind: Kind, records: Sequence[ImageRecord] | Sequence[Any]) -> UUID:
    """Copy rows that are about to be deleted, with all that hangs on them; erasing them is a job of the same
    transaction, to be done when the time for bringing them back is over.

    Args:
        records: of one kind; each has an ``owner_id``.

    Returns:
        What ``undo`` takes.
    """
    session.flush()
    deed, grace = uuid4(), session.info["grace"]
    table = records[0].__table__ if records else None
    copies = store.copied(session, table, [record.id for record in records]) if isinstance(table, Table) else {}
    made = [
        DeletionRecord(
            id=uuid4(),
            deed=deed,
            kind=kind.value,
            actor_id=actor.user_id,
            owner_id=record.owner_id,
            original=record.sha256 if isinstance(record, ImageRecord) else None,
            predictions=[UUID(row["id"]) for name, row in copies[record.id]["rows"] if name == "predictions"],
            kept=copies[record.id],
            until=now() + grace,
        )
        for record in records
    ]
    session.add_all(made)
    session.flush()
    enqueue_all(session, ERASE, [_job(one) for one in made], after=grace)
    return deed


def _job(record: DeletionRecord) -> dict[str, Any]:
    predictions = [str(one) for one in record.predictions]
    return {"original": record.original, "predictions": predictions, "deletion": str(record.id)}


def erase_left(session: Session) -> None:
    """For workers: ask again for what should have been erased by now, and whose job is gone."""
    enqueue_all(session, ERASE, [_job(one) for one in store.left(session)])


def recent(session: Session, actor: Actor, *, kind: Kind) -> Deletion | None:
    """What the actor deleted last and can still take back."""
    query = (
        select(DeletionRecord.deed, func.count(), func.min(DeletionRecord.until))
        .where(
            DeletionRecord.actor_id == actor.user_id, DeletionRecord.kind == kind.value, DeletionRecord.until > now()
        )
        .group_by(DeletionRecord.deed)
        .order_by(func.min(DeletionRecord.until).desc())
        .limit(1)
    )
    found = session.execute(query).first()
    return Deletion(found[0], kind, found[1], found[2]) if found else None


def undo(session: Session, actor: Actor, *, deed: UUID) -> Kind:
    """Bring back what the actor deleted with one click, as it was; what was left unanswered is asked again.

    Datasets that held an image keep its place empty: what was taken back from them stays so.

    Raises:
        NotFound: there is nothing to bring back, or it has been erased by now.
        Conflict: something else stands in its place, or there is no room left for somebody else's images.
        TooMany, TooLarge: there is no room left for one's own: see ``quotas.check``.
    """
    actor.require(Right.DELETE)
    mine = DeletionRecord.deed == deed, DeletionRecord.actor_id == actor.user_id, DeletionRecord.until > now()
    found = session.execute(
        delete(DeletionRecord).where(*mine).returning(DeletionRecord.kind, DeletionRecord.kept, DeletionRecord.owner_id)
    ).all()
    if not found:
        raise NotFound("deletion_over", "This can no longer be brought back: it has been erased.")
    try:
        with session.begin_nested():
            for _, kept, _ in found:
                store.write_again(session, _settled(kept))
    except IntegrityError as error:
        raise Conflict(
            "deletion_superseded", "This cannot be brought back: something newer stands in its place."
        ) from error
    kind = Kind(found[0].kind)
    if kind is Kind.IMAGE:
        for owner_id in {one.owner_id for one in found}:
            _make_sure_of_room(session, actor, owner_id)
        _back_again(session, actor, [UUID(one.kept["rows"][0][1]["id"]) for one in found])
    return kind


def _make_sure_of_room(session: Session, actor: Actor, owner_id: UUID) -> None:
    """What was deleted did not count for a while; others may have taken its place."""
    try:
        quotas.check(session, owner_id)
    except (TooMany, TooLarge) as error:
        if owner_id == actor.user_id:
            raise
        raise Conflict(
            "deletion_no_room",
            "This cannot be brought back: its owner has no room left. Allow them more, or have them delete images.",
        ) from error


def _settled(kept: store.Kept) -> store.Kept:
    """A corrected outline that nobody had looked at yet is left out: the job that was to look is over."""
    for name, row in kept["rows"]:
        if name == "reviews" and row["mask_state"] == "checking":
            row |= {"mask_state": None, "mask_sent": None}
    return kept


def _back_again(session: Session, actor: Actor, image_ids: Sequence[UUID]) -> None:
    """Whatever job came meanwhile has found nothing, and is over."""
    for image_id in image_ids:
        audit.note(session, actor, "image.restored", f"image:{image_id}")
    told = select(PredictionRecord.id).where(PredictionRecord.image_id.in_(image_ids))
    ids = list(session.scalars(told))
    enqueue_all(session, SWEEP, [{"prediction": str(one)} for one in ids])
    webhooks.fire_again(session, ids)
    panels.compare_again(session, ids)
    still_open = PredictionRecord.image_id.in_(image_ids), PredictionRecord.status.in_(("waiting", "running"))
    session.execute(update(PredictionRecord).where(*still_open).values(status="waiting", started_at=None))
    asked = list(session.scalars(select(PredictionRecord).where(*still_open)))
    enqueue_all(session, PREDICT, [job_of(record) for record in asked])


def final(session: Session, *, deletion_id: UUID) -> bool:
    """For workers: let go of what could be brought back; False where it was, or where this was done before."""
    gone = delete(DeletionRecord).where(DeletionRecord.id == deletion_id).returning(DeletionRecord.id)
    return session.execute(gone).first() is not None


def sealed(session: Session, user_id: UUID) -> list[dict[str, Any]]:
    """End every way back to what is a person's or tells of them; returns what jobs have to erase now."""
    theirs = or_(DeletionRecord.owner_id == user_id, DeletionRecord.kept.cast(String).contains(str(user_id)))
    gone = session.execute(
        delete(DeletionRecord).where(theirs).returning(DeletionRecord.original, DeletionRecord.predictions)
    )
    return [{"original": original, "predictions": [str(one) for one in predictions]} for original, predictions in gone]
