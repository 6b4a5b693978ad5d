"""Every image of an application, for those who may see all: looked through, taken along, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select, tuple_
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.gallery import BANDS, Reviewed, Wanted
from atisbo.errors import Outdated, TooLarge
from atisbo.services import cursors, images, predictions
from atisbo.services.predictions import PredictionView
from atisbo.store import predictions as store
from atisbo.store.accounts import UserRecord
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import told
from atisbo.store.reviews import ReviewRecord
from atisbo.store.versions import VersionRecord

__all__ = ["MANY", "MOST_DELETED", "Item", "Page", "delete", "find", "list_", "versions"]

_NEWEST: Final = (PredictionRecord.created_at.desc(), PredictionRecord.id.desc())
"""As two columns: a pair in brackets would not be read off the index."""
MANY: Final = 10_000
"""Counting stops here."""
MOST_DELETED: Final = 1_000
"""Images at once."""


@dataclass(frozen=True)
class Item:
    prediction: PredictionView
    owner: str
    """The owner's e-mail address."""
    answer: str | None
    """The label that was found; empty where nothing was outlined."""
    verdicts: tuple[str, ...]
    """What people said of the answer, where that may be told; see :func:`atisbo.store.readings.told`."""


@dataclass(frozen=True)
class Page:
    """Newest first; ``next`` continues where this page ends. ``count`` is of all that match, at most ``MANY``."""

    items: list[Item]
    next: str | None
    count: int


def list_(session: Session, actor: Actor, *, wanted: Wanted, limit: int = 48, before: str | None = None) -> Page:
    """What matches, newest first."""
    query = matching(actor, wanted)
    key = tuple_(PredictionRecord.created_at, PredictionRecord.id)
    page = query if before is None else query.where(key < cursors.position(before))
    records = list(session.scalars(page.order_by(*_NEWEST).limit(limit + 1)))
    more, records = len(records) > limit, records[:limit]
    return Page(
        items=_items(session, records),
        next=cursors.mark(records[-1].created_at, records[-1].id) if more else None,
        count=_count(session, query),
    )


def _items(session: Session, records: Sequence[PredictionRecord]) -> list[Item]:
    ids = {record.id for record in records}
    owners = select(UserRecord.id, UserRecord.email).where(UserRecord.id.in_({record.owner_id for record in records}))
    emails = {row.id: row.email for row in session.execute(owners)}
    said: dict[UUID, list[str]] = {}
    current = select(ReviewRecord.prediction_id, ReviewRecord.verdict).where(
        ReviewRecord.prediction_id.in_(ids), ReviewRecord.superseded_at.is_(None), told()
    )
    for identity, verdict in session.execute(current):
        said.setdefault(identity, []).append(verdict)
    return [
        Item(predictions.view(session, record), emails[record.owner_id], record.answer, tuple(said.get(record.id, ())))
        for record in records
    ]


def _count(session: Session, query: Select[PredictionRecord]) -> int:
    some = query.with_only_columns(PredictionRecord.id, maintain_column_froms=True).limit(MANY).subquery()
    return session.scalar(select(func.count()).select_from(some)) or 0


def matching(actor: Actor, wanted: Wanted) -> Select[PredictionRecord]:
    """Raises NotAllowed for an actor who may see only what is their own."""
    actor.require(Right.SEE_ALL)
    query = store.readable(actor).where(PredictionRecord.application == wanted.application)
    query = _by_answer(query, wanted)
    if wanted.reviewed is not None:
        query = query.where(_said(wanted.reviewed))
    if wanted.consent is not None:
        query = query.where(PredictionRecord.consented if wanted.consent else ~PredictionRecord.consented)
    if wanted.owner is not None:
        named = select(UserRecord.id).where(UserRecord.email.contains(wanted.owner.lower(), autoescape=True))
        query = query.where(PredictionRecord.owner_id.in_(named))
    if wanted.since is not None:
        query = query.where(PredictionRecord.created_at >= datetime.combine(wanted.since, time(), UTC))
    if wanted.until is not None:
        query = query.where(PredictionRecord.created_at <= datetime.combine(wanted.until, time.max, UTC))
    return query


def _by_answer(query: Select[PredictionRecord], wanted: Wanted) -> Select[PredictionRecord]:
    if wanted.status is not None:
        query = query.where(PredictionRecord.status == wanted.status.value)
    if wanted.answer is not None:
        query = query.where(PredictionRecord.answer == wanted.answer)
    if wanted.certainty is not None:
        least, most = BANDS[wanted.certainty]
        query = query.where(PredictionRecord.doubt >= least, PredictionRecord.doubt < most)
    if wanted.version is not None:
        query = query.where(PredictionRecord.version == wanted.version)
    return query


def _said(reviewed: Reviewed) -> ColumnElement[bool]:
    current = exists().where(ReviewRecord.prediction_id == PredictionRecord.id, ReviewRecord.superseded_at.is_(None))
    if reviewed is Reviewed.NOT:
        return ~current
    return current if reviewed is Reviewed.ANY else current.where(ReviewRecord.verdict == reviewed.value, told())


def versions(session: Session, actor: Actor, *, application: str) -> list[str]:
    """What an answer of this application may have come from, newest first."""
    actor.require(Right.SEE_ALL)
    query = select(VersionRecord.name).where(VersionRecord.application == application)
    return list(session.scalars(query.order_by(VersionRecord.created_at.desc())))


def find(session: Session, actor: Actor, *, wanted: Wanted, chosen: Sequence[UUID], most: int) -> list[UUID]:
    """The predictions that match, newest first; of ``chosen`` alone, if any are.

    Raises:
        TooLarge: more than ``most`` match.
    """
    query = matching(actor, wanted)
    if chosen:
        query = query.where(PredictionRecord.id.in_(chosen))
    ids = query.with_only_columns(PredictionRecord.id, maintain_column_froms=True).order_by(*_NEWEST).limit(most + 1)
    found = list(session.scalars(ids))
    if len(found) > most:
        raise TooLarge(
            "too_many_images",
            "More than {count} images match. Narrow the filters, or choose some of them.",
            count=most,
        )
    return found


def delete(
    session: Session, actor: Actor, *, wanted: Wanted, chosen: Sequence[UUID] = (), expected: int | None = None
) -> tuple[int, UUID]:
    """Delete the images of all that match, of ``chosen`` alone if any are; returns how many images, and what
    ``deletions.undo`` takes.

    Args:
        expected: how many predictions matched when the actor looked; None for however many.

    Raises:
        NotAllowed: the actor may not delete what belongs to others.
        TooLarge: more than ``MOST_DELETED`` match.
        Outdated: another number matches by now.
    """
    actor.require(Right.DELETE_ALL)
    ids = find(session, actor, wanted=wanted, chosen=chosen, most=MOST_DELETED)
    if expected is not None and len(ids) != expected:
        raise Outdated("images_changed", "Other images match by now. Look at them again.")
    of = select(PredictionRecord.image_id).where(PredictionRecord.id.in_(ids))
    records = list(
        session.scalars(select(ImageRecord).where(ImageRecord.id.in_(of)).order_by(ImageRecord.id).with_for_update())
    )
    return len(records), images.remove(session, actor, records)
