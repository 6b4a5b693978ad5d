"""Correcting an outline: the mask is stored untouched with a review, and a worker says whether it will do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from atisbo.domain import corrections as rules
from atisbo.domain.access import Actor
from atisbo.domain.cards import Card
from atisbo.domain.corrections import MaskState
from atisbo.domain.predictions import Failure, Status
from atisbo.domain.reviews import Review, Verdict
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import reviews
from atisbo.services.reviews import Mask, ReviewView
from atisbo.store import reviews as store
from atisbo.store.blobs import Blobs, corrected, derived, digest, is_drawn, sent
from atisbo.store.deletions import names_prediction
from atisbo.store.predictions import PredictionRecord, notify
from atisbo.store.queue import CORRECT, URGENT, enqueue
from atisbo.store.reviews import ReviewRecord

CHECKED = "corrected"
"""Said on the predictions' channel in place of a status when a worker has looked at a mask."""


def put(
    session: Session,
    actor: Actor,
    *,
    blobs: Blobs,
    card: Card,
    prediction_id: UUID,
    data: bytes,
    expected: int | None = None,
) -> ReviewView:
    """Store a mask as a new version of the actor's review, to be checked by a worker; what else was said stays.

    Without a review before, an outline that had to be corrected was wrong; of a class beside it nothing is said.

    Raises:
        NotFound, NotAllowed: see ``reviews.find``.
        Conflict: there is no answer with outlines.
        Invalid: no bytes.
        Outdated: another version was written meanwhile.
    """
    record = reviews.find(session, actor, prediction_id=prediction_id)
    layers = rules.layers(card)
    if Status(record.status) not in (Status.DONE, Status.UNSURE) or not record.image.width:
        raise Conflict("review_early", "There is no answer to review.")
    if not data:
        raise Invalid("upload_empty", "The file is empty. Choose the picture again.")
    name = digest(data)
    earlier = reviews.latest(session, actor, record, expected)
    if earlier is not None and earlier.mask_sent == name and earlier.mask_state != MaskState.REFUSED.value:
        return reviews.view(earlier)
    blobs.put(sent(record.id, name), data)
    said = reviews.said(earlier) if earlier else Review(_verdict(card), None, {})
    written = reviews.add(session, actor, record, earlier, said, Mask(MaskState.CHECKING, name))
    enqueue(session, CORRECT, _job(record, actor, name, layers), priority=URGENT)
    return reviews.view(written)


def _verdict(card: Card) -> Verdict:
    return Verdict.WRONG if card.task == "segmentation" else Verdict.UNKNOWN


def _job(record: PredictionRecord, actor: Actor, name: str, layers: Sequence[str]) -> dict[str, object]:
    return {
        "prediction": str(record.id),
        "author": str(actor.user_id),
        "sent": name,
        "layers": list(layers),
        "size": [record.image.height, record.image.width],
    }


def remove(session: Session, actor: Actor, *, prediction_id: UUID, expected: int | None = None) -> ReviewView:
    """Take the mask out of the actor's review, as a new version of it.

    Raises:
        NotFound: no such prediction for this actor, or no mask of theirs.
        Outdated: another version was written meanwhile.
    """
    record = reviews.find(session, actor, prediction_id=prediction_id)
    earlier = reviews.latest(session, actor, record, expected)
    if earlier is None or earlier.mask_state is None:
        raise _none()
    return reviews.view(reviews.add(session, actor, record, earlier, reviews.said(earlier), None))


def read(session: Session, actor: Actor, *, blobs: Blobs, prediction_id: UUID, author_id: UUID | None = None) -> bytes:
    """A review's corrected mask: PNG of one channel, the original's size, bit k for layer k.

    Args:
        author_id: whose; one's own without it.

    Raises:
        NotFound: not for this actor, none, or still being checked.
    """
    reviews.find(session, actor, prediction_id=prediction_id)
    record = reviews.of_author(session, actor, prediction_id=prediction_id, author_id=author_id or actor.user_id)
    data = blobs.get(corrected(prediction_id, record.mask)) if record is not None and record.mask else None
    if data is None:
        raise _none()
    return data


def _none() -> NotFound:
    return NotFound("mask_unknown", "There is no corrected outline for this prediction.")


def keep(
    session: Session,
    *,
    blobs: Blobs,
    prediction_id: UUID,
    author_id: UUID,
    came: str,
    mask: bytes,
    dice: Mapping[str, float],
) -> None:
    """For workers: the mask will do. It is stored as it was written anew, and what came is removed."""
    name = digest(mask)
    if store.lock_prediction(session, prediction_id):
        blobs.put(corrected(prediction_id, name), mask)
    said = {"mask_state": MaskState.KEPT.value, "mask": name, "mask_dice": dict(dice)}
    _settle(session, blobs, prediction_id, author_id, came, said)


def refuse(
    session: Session, *, blobs: Blobs, prediction_id: UUID, author_id: UUID, came: str, failure: Failure
) -> None:
    """For workers: the mask will not do. Its bytes are removed; the reason stays with the review."""
    store.lock_prediction(session, prediction_id)
    said = {"mask_state": MaskState.REFUSED.value, "mask_failure": failure.model_dump(mode="json")}
    _settle(session, blobs, prediction_id, author_id, came, said)


def _settle(
    session: Session, blobs: Blobs, prediction_id: UUID, author_id: UUID, came: str, said: Mapping[str, object]
) -> None:
    session.execute(
        update(ReviewRecord)
        .where(
            ReviewRecord.prediction_id == prediction_id,
            ReviewRecord.author_id == author_id,
            ReviewRecord.mask_sent == came,
            ReviewRecord.mask_state == MaskState.CHECKING.value,
        )
        .values(**said)
    )
    sweep(session, blobs=blobs, prediction_id=prediction_id)
    notify(session, f"{author_id} {prediction_id} {CHECKED}")


def sweep(session: Session, *, blobs: Blobs, prediction_id: UUID) -> None:
    """For workers: remove the masks of a prediction that no version of a review has any more, nor can have again."""
    if names_prediction(session, prediction_id):
        return
    store.lock_prediction(session, prediction_id)
    named = store.masks_of(session, prediction_id)
    for name in list(blobs.names(derived(prediction_id, ""))):
        if is_drawn(name) and name not in named:
            blobs.delete(name)
