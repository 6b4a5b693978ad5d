"""The pictures that a search can find: those of collections, one's own, and those that others share."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.errors import NotFound
from atisbo.services import views
from atisbo.store import predictions as store
from atisbo.store.blobs import Blobs, collected
from atisbo.store.collections import ItemRecord
from atisbo.store.embeddings import ANSWERED
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord

View = Literal["thumbnail.jpg", "preview.jpg", "part.jpg", "crop.png", "mask.png", "overlay.png"]
_OF_ITEMS: Final = frozenset({"thumbnail.jpg", "preview.jpg"})


def find(session: Session, actor: Actor, picture_id: UUID) -> ItemRecord | PredictionRecord:
    """The item or the prediction with this id.

    Raises:
        NotFound: not there, or neither this actor's nor shared.
    """
    actor.require(Right.PREDICT)
    item = session.get(ItemRecord, picture_id)
    if item is not None:
        return item
    record = session.scalar(store.readable(actor).where(PredictionRecord.id == picture_id))
    return record or shared(session, [picture_id])[picture_id]


def shared(session: Session, ids: list[UUID], *, user_id: UUID | None = None) -> dict[UUID, PredictionRecord]:
    """Answered predictions whose images are shared, or this user's own.

    Raises, when a missing one is looked up:
        NotFound: it is not among them.
    """
    query = (
        select(PredictionRecord)
        .join(ImageRecord, ImageRecord.id == PredictionRecord.image_id)
        .where(
            PredictionRecord.id.in_(ids),
            PredictionRecord.status.in_(ANSWERED),
            or_(and_(ImageRecord.shared, ~store.read_blind()), ImageRecord.owner_id == user_id),
        )
    )
    return _Known({record.id: record for record in session.scalars(query)})


class _Known(dict[UUID, PredictionRecord]):
    def __missing__(self, _: UUID) -> PredictionRecord:
        raise NotFound("picture_unknown", "There is no such picture, or it is no longer shared.")


def read(session: Session, actor: Actor, *, blobs: Blobs, picture_id: UUID, view: View) -> bytes | None:
    """The picture's bytes, encoded anew without metadata; None while they are being made.

    Raises:
        NotFound: no such picture for this actor, or it has no such view.
    """
    found = find(session, actor, picture_id)
    if isinstance(found, PredictionRecord):
        return views.made(session, found, blobs=blobs, view=view)
    data = blobs.get(collected(found.id, view)) if view in _OF_ITEMS else None
    if data is None:
        raise NotFound("view_unknown", "There is no such picture for this prediction.")
    return data
