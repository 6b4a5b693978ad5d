"""Deleting an image with everything that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import audit, lineage
from atisbo.store.blobs import Blobs, derived, original
from atisbo.store.images import ImageRecord, lock_original, readable, still_used
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import ERASE, enqueue_all


def delete(session: Session, actor: Actor, *, image_id: UUID) -> None:
    """Remove the rows now and, by a job of the same transaction, the blobs.

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
    remove(session, actor, [image])


def remove(session: Session, actor: Actor, images: Sequence[ImageRecord]) -> None:
    """Of images that the actor may delete: the rows now and, by jobs of the same transaction, the blobs."""
    made: dict[UUID, list[str]] = {image.id: [] for image in images}
    predictions = select(PredictionRecord.image_id, PredictionRecord.id).where(PredictionRecord.image_id.in_(made))
    for image_id, prediction_id in session.execute(predictions):
        made[image_id].append(str(prediction_id))
    for image in images:
        count = len(made[image.id])
        audit.note(session, actor, "image.deleted", f"image:{image.id}", predictions=count, owner=image.owner_id)
    lineage.bury(session, list(made), "erased")
    enqueue_all(session, ERASE, [{"original": image.sha256, "predictions": made[image.id]} for image in images])
    for image in images:
        session.delete(image)
    session.flush()


def erase(session: Session, *, blobs: Blobs, original_name: str, predictions: list[UUID]) -> None:
    """For workers: remove the blobs of deleted rows; an original that another row still uses stays."""
    lock_original(session, original_name)
    for prediction_id in predictions:
        blobs.delete_folder(derived(prediction_id, ""))
    if not still_used(session, original_name):
        blobs.delete(original(original_name))
