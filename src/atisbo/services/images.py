"""Deleting an image with everything that came of it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import audit, lineage
from atisbo.store.blobs import Blobs, derived, original
from atisbo.store.images import ImageRecord, lock_original, readable, still_used
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import ERASE, enqueue


def delete(session: Session, actor: Actor, *, image_id: UUID) -> None:
    """Remove the rows now and, by a job of the same transaction, the blobs.

    Raises:
        NotFound: not there, or not visible to this actor.
        NotAllowed: visible, and somebody else's.
    """
    actor.require(Right.DELETE)
    image = session.scalar(readable(actor).where(ImageRecord.id == image_id).with_for_update())
    if image is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    if image.owner_id != actor.user_id:
        raise NotAllowed("image_foreign", "This image belongs to somebody else. Only its owner can delete it.")
    predictions = list(session.scalars(select(PredictionRecord.id).where(PredictionRecord.image_id == image.id)))
    audit.note(session, actor, "image.deleted", f"image:{image.id}", predictions=len(predictions))
    enqueue(session, ERASE, {"original": image.sha256, "predictions": [str(p) for p in predictions]})
    lineage.bury(session, [image.id], "erased")
    session.delete(image)
    session.flush()


def erase(session: Session, *, blobs: Blobs, original_name: str, predictions: list[UUID]) -> None:
    """For workers: remove the blobs of deleted rows; an original that another row still uses stays."""
    lock_original(session, original_name)
    for prediction_id in predictions:
        blobs.delete_folder(derived(prediction_id, ""))
    if not still_used(session, original_name):
        blobs.delete(original(original_name))
