"""Which pictures are most like this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.neighbours import By, Neighbour, Neighbours, Said, Seen
from atisbo.errors import NotFound
from atisbo.services import pictures
from atisbo.store import embeddings
from atisbo.store.collections import ItemRecord
from atisbo.store.db import among
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.images import ImageRecord
from atisbo.store.nearest import Near, Place, are_few, nearest
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import told
from atisbo.store.reviews import ReviewRecord
from atisbo.store.vectors import Vector

SAME_PICTURE = 0.955
"""Cosine of grains from which two uploads are taken for the same picture; see :mod:`atisbo.imaging.grain`."""


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    ``same_class`` keeps pictures of the same label, ``reviewed`` those that somebody has reviewed, ``mine`` one's own.
    """

    k: int = 5
    by: By = "embedding"
    same_class: bool = False
    reviewed: bool = False
    mine: bool = False


def find(session: Session, actor: Actor, *, picture_id: UUID, wish: Wish) -> Neighbours:
    """The pictures most like an item or a prediction, among those that this actor may find.

    Only embeddings of one version are compared: of the one that is complete, or, for a picture that only a newer
    version has seen, of that one, and then the answer says how many pictures it has seen so far.

    Raises:
        NotFound: no such picture for this actor, or nothing to compare it by.
    """
    asked = pictures.find(session, actor, picture_id)
    searched = embeddings.searched(session, asked.application)
    own = _embedding(session, asked, searched)
    if own is None:
        raise NotFound("neighbours_unknown", "This picture cannot be compared with others, or not yet.")
    place = Place(asked.application, own.version)
    vector = own.vector if wish.by == "embedding" else own.palette
    same = _same_original(session, asked)
    found = _distinct(session, actor, place, wish, vector, own, same) if vector else []
    complete = own.version == searched
    ready, total = (
        (0, 0) if complete else embeddings.counts(session, application=place.application, version=own.version)
    )
    return Neighbours(
        by=wish.by,
        version=own.version,
        label=own.label,
        same_class=wish.same_class,
        complete=complete,
        ready=ready,
        total=total,
        items=_shown(session, actor, found),
        seen=_seen(session, actor, asked, own, same) if isinstance(asked, PredictionRecord) else [],
    )


def _embedding(session: Session, asked: ItemRecord | PredictionRecord, searched: str | None) -> EmbeddingRecord | None:
    """That of the version that is searched, else the newest one."""
    column = EmbeddingRecord.item_id if isinstance(asked, ItemRecord) else EmbeddingRecord.prediction_id
    query = select(EmbeddingRecord).where(column == asked.id)
    return session.scalar(
        query.order_by((EmbeddingRecord.version == searched).desc(), EmbeddingRecord.created_at.desc()).limit(1)
    )


def _same_original(session: Session, asked: ItemRecord | PredictionRecord) -> list[UUID]:
    """Images of the same bytes as the picture asked for: they are no neighbours of it."""
    if isinstance(asked, ItemRecord):
        return []
    return list(session.scalars(select(ImageRecord.id).where(ImageRecord.sha256 == asked.image.sha256)))


def _distinct(
    session: Session,
    actor: Actor,
    place: Place,
    wish: Wish,
    vector: Vector,
    own: EmbeddingRecord,
    same: Sequence[UUID],
) -> list[Near]:
    """The ``k`` nearest of different originals."""
    where = [EmbeddingRecord.id != own.id, *_filters(actor, wish, own, same)]
    limit, indexed = wish.k + 3, not (wish.mine or wish.reviewed)
    if wish.same_class and indexed:
        indexed = not are_few(session, place, own.label)
    while True:
        found = nearest(session, place, to=vector, by=wish.by, where=where, limit=limit, indexed=indexed)
        different = _without_copies(session, found)
        if len(different) >= wish.k or len(found) < limit:
            return different[: wish.k]
        limit *= 4


def _filters(actor: Actor, wish: Wish, own: EmbeddingRecord, same: Sequence[UUID]) -> list[ColumnElement[bool]]:
    where = [embeddings.searchable(actor.user_id)]
    if same:
        where.append(or_(EmbeddingRecord.image_id.is_(None), ~among(EmbeddingRecord.image_id, same)))
    if wish.same_class:
        where.append(EmbeddingRecord.label == own.label)
    if wish.reviewed:
        where.append(_reviewed())
    if wish.mine:
        where.append(EmbeddingRecord.image_id.in_(select(ImageRecord.id).where(ImageRecord.owner_id == actor.user_id)))
    return where


def _reviewed() -> ColumnElement[bool]:
    return exists().where(
        ReviewRecord.prediction_id == EmbeddingRecord.prediction_id, ReviewRecord.superseded_at.is_(None)
    )


def _without_copies(session: Session, found: Sequence[Near]) -> list[Near]:
    """Of several uploads of the same bytes, and of several questions about one, the most alike."""
    ids = [near.prediction_id for near in found if near.prediction_id]
    query = select(PredictionRecord.id, ImageRecord.sha256).join(ImageRecord).where(among(PredictionRecord.id, ids))
    original = {row.id: row.sha256 for row in session.execute(query)} if ids else {}
    kept: dict[object, Near] = {}
    for near in found:
        kept.setdefault(original.get(near.prediction_id) or near.id, near)
    return list(kept.values())


def _shown(session: Session, actor: Actor, found: Sequence[Near]) -> list[Neighbour]:
    """Each with what may be said of it; one that was deleted since it was found is left out."""
    items = select(ItemRecord).where(ItemRecord.id.in_([near.item_id for near in found if near.item_id]))
    ids = [near.prediction_id for near in found if near.prediction_id]
    known = {item.id: item for item in session.scalars(items)}
    records = pictures.shared(session, ids, user_id=actor.user_id)
    reviews = _reviews(session, ids)
    shown: list[Neighbour] = []
    for near in found:
        position = len(shown) + 1
        if near.item_id in known:
            shown.append(_item(known[near.item_id], near, position))
        elif near.prediction_id in records:
            record = records[near.prediction_id]
            shown.append(_image(record, near, position, actor, reviews.get(record.id)))
    return shown


def _reviews(session: Session, ids: Sequence[UUID]) -> dict[UUID, Said]:
    """The newest word on each that may be told."""
    query = select(ReviewRecord).where(
        ReviewRecord.prediction_id.in_(ids), ReviewRecord.superseded_at.is_(None), told()
    )
    records = session.scalars(query.order_by(ReviewRecord.created_at)).all() if ids else []
    return {record.prediction_id: Said(record.verdict, record.label) for record in records}


def _item(item: ItemRecord, near: Near, position: int) -> Neighbour:
    return Neighbour(
        id=item.id,
        kind="collection",
        position=position,
        similarity=near.similarity,
        label=item.label,
        title=item.file_name,
        source=item.source,
        licence=item.licence,
        location=item.location,
        pictured=item.sha256 is not None,
        part=False,
        mine=False,
        asked_at=None,
        review=None,
    )


def _image(record: PredictionRecord, near: Near, position: int, actor: Actor, review: Said | None) -> Neighbour:
    mine = record.owner_id == actor.user_id
    return Neighbour(
        id=record.id,
        kind="image",
        position=position,
        similarity=near.similarity,
        label=near.label,
        title=record.image.file_name if mine else "",
        source="",
        licence="",
        location="",
        pictured=True,
        part=record.region is not None,
        mine=mine,
        asked_at=record.created_at if mine else None,
        review=review,
    )


def _seen(
    session: Session, actor: Actor, asked: PredictionRecord, own: EmbeddingRecord, same: Sequence[UUID]
) -> list[Seen]:
    """One's own earlier uploads of the same picture, newest first."""
    mine = EmbeddingRecord.image_id.in_(select(ImageRecord.id).where(ImageRecord.owner_id == actor.user_id))
    place, where = Place(asked.application, own.version), [EmbeddingRecord.image_id != asked.image_id, mine]
    near = nearest(session, place, to=own.grain, by="grain", where=where, limit=20) if own.grain else []
    alike = [one.prediction_id for one in near if one.similarity >= SAME_PICTURE]
    query = select(PredictionRecord).where(
        PredictionRecord.owner_id == actor.user_id,
        PredictionRecord.application == asked.application,
        PredictionRecord.image_id != asked.image_id,
        PredictionRecord.created_at < asked.created_at,
        or_(PredictionRecord.id.in_(alike), among(PredictionRecord.image_id, same)),
    )
    records = session.scalars(query.order_by(PredictionRecord.created_at.desc()).limit(3))
    return [Seen(one.id, one.created_at, one.image.sha256 == asked.image.sha256) for one in records]
