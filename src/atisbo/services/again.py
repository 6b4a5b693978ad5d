"""Asking once more about an image that is stored: about another part of it, or with another application."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import consents, crowd
from atisbo.services.predictions import PredictionView, half_of, view
from atisbo.services.questions import earlier_ones, job_of, request_hash, waiting_for
from atisbo.store.images import ImageRecord, readable
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import PREDICT, enqueue


def ask(
    session: Session,
    actor: Actor,
    *,
    image_id: UUID,
    application: Application,
    region: Region | None = None,
    idempotency_key: str | None = None,
) -> PredictionView:
    """Write prediction and job in the caller's transaction; nothing is uploaded, and no consent changes.

    A repeated ``idempotency_key`` returns the first prediction.

    Raises:
        NotFound: no such image for this actor.
        NotAllowed: visible, and somebody else's.
        ConsentNeeded: the actor has not agreed to the terms.
        Invalid: a region that the application does not take.
        Conflict: the key was used for another request.
        Crowded: too many questions wait.
    """
    actor.require(Right.PREDICT)
    consents.require(session, actor)
    application.input.check(region)
    image = own(session, actor, image_id)
    request = request_hash(application, str(image.id), region)
    if idempotency_key is not None:
        earlier = earlier_ones(session, actor, {idempotency_key: request})
        if earlier:
            return view(session, earlier[idempotency_key])
    crowd.admit(session)
    prediction = waiting_for(image, application, region, idempotency_key, request, _half(session, image, application))
    session.add(prediction)
    session.flush()
    enqueue(session, PREDICT, job_of(prediction))
    return view(session, prediction, queued=False)


def _half(session: Session, image: ImageRecord, application: Application) -> Half | None:
    """Another part of one of two pictures takes its place in the pair."""
    asked = (PredictionRecord.image_id == image.id, PredictionRecord.application == application.name)
    query = select(PredictionRecord).where(*asked).order_by(PredictionRecord.created_at.desc()).limit(1)
    newest = session.scalar(query)
    return half_of(newest) if newest else None


def own(session: Session, actor: Actor, image_id: UUID) -> ImageRecord:
    """An image of the actor's own, kept from being deleted until the transaction ends.

    Raises:
        NotFound: no such image for this actor.
        NotAllowed: visible, and somebody else's.
    """
    image = session.scalar(readable(actor).where(ImageRecord.id == image_id).with_for_update(read=True))
    if image is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    if image.owner_id != actor.user_id:
        raise NotAllowed("again_foreign", "This image belongs to somebody else. Only its owner can ask about it again.")
    return image
