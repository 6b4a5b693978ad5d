"""How long images are kept that nobody has a use for any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.services import audit
from atisbo.services.work import Workplace
from atisbo.store.datasets import DatasetItemRecord
from atisbo.store.db import now
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import ERASE, enqueue_all
from atisbo.store.readings import PanelRecord, ReadingRecord
from atisbo.store.reviews import ReviewRecord

_AT_ONCE: Final = 100
EVERY_OTHER: Final = "*"
"""Stands for every application that is not named."""


def expire(workplace: Workplace, *, dry_run: bool = False) -> int:
    """Delete what is due, for good; returns how many images."""
    settings = workplace.settings
    if not settings.retention_days:
        return 0
    if dry_run:
        query = select(func.count(ImageRecord.id)).where(_due(settings))
        return workplace.within(lambda session: session.scalar(query) or 0)
    count = 0
    while done := workplace.within(lambda session: _expire(session, settings)):
        count += done
    return count


def _expire(session: Session, settings: Settings) -> int:
    """Looks twice: once these rows are held, nobody can say anything more of them. What others hold is left."""
    found = select(ImageRecord.id).where(_due(settings)).order_by(ImageRecord.id).limit(_AT_ONCE)
    ids = session.scalars(found.with_for_update(skip_locked=True)).all()
    asked = select(PredictionRecord.id).where(PredictionRecord.image_id.in_(ids)).order_by(PredictionRecord.id)
    session.scalars(asked.with_for_update()).all()
    due = session.scalars(select(ImageRecord).where(ImageRecord.id.in_(ids), _due(settings))).all()
    _remove(session, due)
    return len(due)


def _remove(session: Session, due: Sequence[ImageRecord]) -> None:
    """The rows now and, by jobs of the same transaction, the blobs."""
    made: dict[UUID, list[str]] = {image.id: [] for image in due}
    asked = select(PredictionRecord.image_id, PredictionRecord.id).where(PredictionRecord.image_id.in_(made))
    for image_id, prediction_id in session.execute(asked):
        made[image_id].append(str(prediction_id))
    enqueue_all(session, ERASE, [{"original": image.sha256, "predictions": made[image.id]} for image in due])
    for image in due:
        audit.note(session, None, "image.expired", f"image:{image.id}", owner=image.owner_id)
        session.delete(image)
    session.flush()


def _due(settings: Settings) -> ColumnElement[bool]:
    """Nobody reviewed it, agreed to learning from it or shared it, it is in no dataset and nobody has it to read; and
    all that was asked about it was answered longer ago than its applications keep images."""
    mine = PredictionRecord.image_id == ImageRecord.id
    young = or_(PredictionRecord.finished_at.is_(None), not_(_old(settings)))
    return and_(
        not_(ImageRecord.training_consent),
        not_(ImageRecord.shared),
        exists().where(mine),
        not_(exists().where(mine, young)),
        not_(exists().where(mine, ReviewRecord.prediction_id == PredictionRecord.id)),
        not_(exists().where(mine, ReadingRecord.prediction_id == PredictionRecord.id)),
        not_(exists().where(mine, PanelRecord.prediction_id == PredictionRecord.id)),
        not_(exists().where(DatasetItemRecord.image_id == ImageRecord.id)),
    )


def _old(settings: Settings) -> ColumnElement[bool]:
    """Of a prediction: answered longer ago than its application keeps images."""
    own = {name: days for name, days in settings.retention_days.items() if name != EVERY_OTHER}
    rules = [(PredictionRecord.application == name, days) for name, days in own.items()]
    rules.append((PredictionRecord.application.not_in(own), settings.retention_days.get(EVERY_OTHER, 0)))
    moment = now()
    return or_(
        false(),
        *(and_(which, PredictionRecord.finished_at < moment - timedelta(days=days)) for which, days in rules if days),
    )
