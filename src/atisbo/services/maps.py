"""The map of an application's pictures: computed in the background for all, shown to each as far as they may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from atisbo.domain.access import Actor, Right
from atisbo.store.collections import ItemRecord
from atisbo.store.db import among, now
from atisbo.store.embeddings import EmbeddingRecord, searchable, searched
from atisbo.store.images import ImageRecord
from atisbo.store.maps import MapRecord, PointRecord
from atisbo.store.predictions import PredictionRecord, read_blind
from atisbo.store.queue import MAP, enqueue
from atisbo.store.reviews import ReviewRecord

MOST: Final = 20_000
"""Pictures on one map."""
_REST: Final = timedelta(minutes=1)
"""A map is not computed anew more often."""
Source = Literal["collection", "mine", "shared"]


@dataclass(frozen=True)
class Point:
    """One picture on the map; ``subject_id`` is that of the item or the prediction."""

    subject_id: UUID
    source: Source
    name: str
    """Empty for other people's pictures."""
    label: str | None
    """What it is taken for: by the collection, by a review, else by the network."""
    answer: str | None
    """What the network took it for."""
    reviewed: bool
    """Whether this actor has said what it is."""
    kin: str | None
    """What most of its nearest are taken for."""
    pca: Sequence[float]
    umap: Sequence[float]
    flat: Sequence[float]


@dataclass(frozen=True)
class MapView:
    version: str | None
    """Of the network whose embeddings are shown; None where nothing is embedded yet."""
    count: int
    """Pictures that the map was computed from."""
    waiting: int
    """Pictures on it that went since, and that a new one would show besides."""
    computed_at: datetime | None
    explained: Sequence[float]
    computing: bool
    points: Sequence[Point]


def get(session: Session, actor: Actor, *, application: str) -> MapView:
    """The map as this actor may see it; where it is out of date, a new one is asked for."""
    actor.require(Right.PREDICT)
    version = searched(session, application)
    if version is None:
        return MapView(None, 0, 0, None, (), False, ())
    record = session.get(MapRecord, application)
    if record is None or record.version != version:
        there = _waiting(session, application, version)
        if there:
            _ask(session, application, version)
        return MapView(version, 0, there, None, (), there > 0, ())
    placed = session.scalar(select(func.count()).select_from(PointRecord).join(EmbeddingRecord).where(_of(record))) or 0
    changed = _waiting(session, application, version) + abs(record.count - placed)
    stale = changed > 0 and now() - record.computed_at > _REST
    if stale:
        _ask(session, application, version)
    points = _points(session, actor, record)
    return MapView(version, record.count, changed, record.computed_at, record.explained, stale, points)


def _ask(session: Session, application: str, version: str) -> None:
    job = {"application": application, "version": version}
    enqueue(session, MAP, job, dedupe=f"{MAP}:{application}:{version}")


def _waiting(session: Session, application: str, version: str) -> int:
    """How many that a map would show have no place yet."""
    shown = _shown(application, version).with_only_columns(EmbeddingRecord.id).subquery()
    placed = exists().where(PointRecord.embedding_id == shown.c.id)
    return session.scalar(select(func.count()).select_from(shown).where(~placed)) or 0


def _embedded(application: str, version: str) -> Any:
    return select(EmbeddingRecord).where(
        EmbeddingRecord.application == application,
        EmbeddingRecord.version == version,
        EmbeddingRecord.vector.is_not(None),
    )


def _shown(application: str, version: str) -> Any:
    """What a map shows: of more than ``MOST`` those whose random ids come first, which stay the same."""
    return _embedded(application, version).order_by(EmbeddingRecord.id).limit(MOST)


def _of(record: MapRecord) -> Any:
    return (EmbeddingRecord.application == record.application) & (EmbeddingRecord.version == record.version)


def _points(session: Session, actor: Actor, record: MapRecord) -> list[Point]:
    picture = aliased(ImageRecord)
    said = (ReviewRecord.author_id == actor.user_id) & ReviewRecord.superseded_at.is_(None)
    query = (
        select(
            EmbeddingRecord.prediction_id,
            EmbeddingRecord.item_id,
            EmbeddingRecord.label,
            PointRecord,
            ItemRecord.file_name.label("item_name"),
            picture.file_name.label("image_name"),
            picture.owner_id,
            PredictionRecord.findings["label"].astext.label("answer"),
            ReviewRecord.id.label("review"),
        )
        .join(PointRecord, PointRecord.embedding_id == EmbeddingRecord.id)
        .outerjoin(ItemRecord, ItemRecord.id == EmbeddingRecord.item_id)
        .outerjoin(picture, picture.id == EmbeddingRecord.image_id)
        .outerjoin(PredictionRecord, PredictionRecord.id == EmbeddingRecord.prediction_id)
        .outerjoin(ReviewRecord, (ReviewRecord.prediction_id == EmbeddingRecord.prediction_id) & said)
        .where(_of(record), searchable(actor.user_id), or_(~read_blind(), picture.owner_id == actor.user_id))
        .order_by(EmbeddingRecord.id)
    )
    return [_point(row, actor) for row in session.execute(query)]


def _point(row: Any, actor: Actor) -> Point:
    place: PointRecord = row.PointRecord
    source: Source = "collection" if row.item_id else "mine" if row.owner_id == actor.user_id else "shared"
    name = row.item_name if source == "collection" else row.image_name if source == "mine" else ""
    return Point(
        subject_id=row.item_id or row.prediction_id,
        source=source,
        name=name,
        label=row.label,
        answer=row.answer,
        reviewed=row.review is not None,
        kin=place.kin,
        pca=place.pca,
        umap=place.umap,
        flat=place.flat,
    )


@dataclass(frozen=True)
class Embedded:
    """What a map is made of."""

    ids: Sequence[UUID]
    vectors: Sequence[Sequence[float]]
    labels: Sequence[str | None]


def gather(session: Session, *, application: str, version: str) -> Embedded:
    """For workers: every embedding of a version, at most ``MOST``."""
    records = list(session.scalars(_shown(application, version)))
    return Embedded([r.id for r in records], [r.vector or () for r in records], [r.label for r in records])


def keep(
    session: Session, *, application: str, version: str, explained: Sequence[float], places: Mapping[UUID, Any]
) -> None:
    """For workers: write a map in place of the one before; pictures that went meanwhile are left out.

    Args:
        places: by embedding: ``pca``, ``umap``, ``flat`` and ``kin``, see :class:`atisbo.store.maps.PointRecord`.
    """
    ids = _embedded(application, version).with_only_columns(EmbeddingRecord.id)
    there = session.scalars(ids.where(among(EmbeddingRecord.id, places)).with_for_update(key_share=True))
    rows = [{"embedding_id": one} | places[one] for one in there]
    earlier = PointRecord.embedding_id.in_(ids), ~among(PointRecord.embedding_id, places)
    session.execute(delete(PointRecord).where(*earlier))
    for start in range(0, len(rows), 1000):
        written = insert(PointRecord).values(rows[start : start + 1000])
        new = {name: written.excluded[name] for name in ("pca", "umap", "flat", "kin")}
        session.execute(written.on_conflict_do_update(index_elements=["embedding_id"], set_=new))
    facts = {"version": version, "count": len(rows), "explained": list(explained), "computed_at": now()}
    stored = insert(MapRecord).values(application=application, **facts)
    session.execute(stored.on_conflict_do_update(index_elements=["application"], set_=facts))
