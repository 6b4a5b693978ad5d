"""Deleting an image with everything that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import audit, deletions, lineage
from atisbo.services.deletions import Kind
from atisbo.store.blobs import Blobs, derived, original
from atisbo.store.images import ImageRecord, lock_originals, readable, still_used
from atisbo.store.predictions import PredictionRecord


def delete(session: Session, actor: Actor, *, image_id: UUID) -> UUID:
    """Remove the rows now and, by a job of the same transaction, the blobs a little later; returns what
    ``deletions.undo`` takes until then.

    Raises:
        NotFound: not there, or not visible to this actor.
        NotAllowed: visible, somebody else's, and the actor may not delete everybody's.
    """
    actor.require(Right.DELETE)
    image = session.scalar(readable(actor).where(ImageRecord.id == image_id).with_for_update())
    if image is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    if image.owner_id != actor.user_id and not actor.may(Right.DELETE_ALL):
        raise NotAllowed("image_foreign", "This image belongs to somebody else. Only its owner can delete it.")
    return remove(session, actor, [image])


def remove(session: Session, actor: Actor, images: Sequence[ImageRecord]) -> UUID:
    """Of images that the actor may delete, and has locked: see ``delete``. Out of datasets they are for good."""
    made = dict.fromkeys((image.id for image in images), 0)
    predictions = select(PredictionRecord.image_id, func.count()).where(PredictionRecord.image_id.in_(made))
    for image_id, count in session.execute(predictions.group_by(PredictionRecord.image_id)):
        made[image_id] = count
    for image in images:
        facts: dict[str, Any] = {"predictions": made[image.id], "owner": image.owner_id}
        facts |= lineage.told(session, [image.id])
        audit.note(session, actor, "image.deleted", f"image:{image.id}", **facts)
    lineage.bury(session, list(made), "erased")
    deed = deletions.keep(session, actor, Kind.IMAGE, images)
    for image in images:
        session.delete(image)
    session.flush()
    return deed


def erase(
    session: Session,
    *,
    blobs: Blobs,
    original_name: str | None,
    predictions: list[UUID],
    deletion_id: UUID | None = None,
) -> None:
    """For workers: remove the blobs of deleted rows; an original that another row still uses stays.

    Args:
        deletion_id: of what could be brought back until now; nothing is done if it was.
    """
    if deletion_id is not None and not deletions.final(session, deletion_id=deletion_id):
        return
    for prediction_id in predictions:
        blobs.delete_folder(derived(prediction_id, ""))
    if original_name is None:
        return
    lock_originals(session, [original_name])
    if not still_used(session, original_name):
        blobs.delete(original(original_name))
