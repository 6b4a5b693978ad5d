"""Readings: which curator was given which answer, why, and whether they answered; and panels of two readers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    and_,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from atisbo.domain import inbox as rules
from atisbo.domain.access import Actor
from atisbo.domain.inbox import Drawn
from atisbo.store.db import Base, Identified, among, now
from atisbo.store.predictions import PredictionRecord, read_blind, visible
from atisbo.store.reviews import ReviewRecord
from atisbo.store.worth import LOT, unlike, worth

_ANSWERED = ("done", "unsure")


class ReadingRecord(Identified, Base):
    """Given to one reader until ``expires_at``, or answered."""

    __tablename__ = "readings"
    __table_args__ = (
        CheckConstraint("drawn IN ('worth','random','panel','adjudication')", name="drawn"),
        CheckConstraint("(drawn = 'random') = (chance IS NOT NULL)", name="chance"),
        UniqueConstraint("prediction_id", "reader_id"),
        Index("ix_readings_reader", "reader_id", "answered_at"),
    )

    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"))
    reader_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    drawn: Mapped[str] = mapped_column(String(12))
    chance: Mapped[float | None]
    """With which every answer is drawn by lot; None for those that were chosen."""
    claimed_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    prediction: Mapped[PredictionRecord] = relationship(lazy="joined", innerjoin=True)


class PanelRecord(Identified, Base):
    """Two independent readers are asked for one answer, and a third if they disagree."""

    __tablename__ = "panels"
    __table_args__ = (UniqueConstraint("prediction_id"),)

    prediction_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("predictions.id", ondelete="CASCADE"))
    hidden: Mapped[bool]
    """The readers do not see the network's answer."""
    asked_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    agreed: Mapped[bool | None]
    """Whether the two agree; None until both have answered and were compared."""
    dice: Mapped[dict[str, float] | None] = mapped_column(JSONB(none_as_null=True))
    """Between the two readers' outlines, by layer."""
    settled_at: Mapped[datetime | None]
    """When it was known: the two agreed, or a third decided."""

    prediction: Mapped[PredictionRecord] = relationship(lazy="joined", innerjoin=True)


def _first(query: Select[uuid.UUID, datetime], drawn: Drawn) -> Select[uuid.UUID, datetime]:
    """The same in its final order: a shortlist is held against the collection, which would take long for all."""
    if drawn is not Drawn.WORTH:
        return query
    shortlist = query.with_only_columns(PredictionRecord.id).limit(rules.SHORTLIST)
    return (
        select(PredictionRecord.id, PredictionRecord.created_at)
        .where(PredictionRecord.id.in_(shortlist))
        .order_by((worth() * unlike()).desc(), PredictionRecord.created_at)
    )


def _taken(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Somebody has this prediction, or has answered it."""
    live = or_(ReadingRecord.answered_at.is_not(None), ReadingRecord.expires_at > func.now())
    return exists().where(ReadingRecord.prediction_id == PredictionRecord.id, live, *more)


def unread(actor: Actor, application: str) -> Select[uuid.UUID]:
    """The answers that nobody has, has read, or was asked for in a panel."""
    panel = exists().where(PanelRecord.prediction_id == PredictionRecord.id)
    return (
        visible(actor)
        .with_only_columns(PredictionRecord.id)
        .where(PredictionRecord.application == application, PredictionRecord.status.in_(_ANSWERED))
        .where(~_taken(), ~panel)
    )


def drawn_by_lot() -> ColumnElement[bool]:
    """The prediction's own number says that readers look at it, whatever else becomes of it."""
    return LOT < rules.RANDOM_SHARE


def waiting(actor: Actor, application: str, drawn: Drawn) -> Select[uuid.UUID, datetime]:
    """The predictions that this actor could be given, those first that should be given first.

    What the actor reviewed outside the inbox is worth no second look, but is still drawn by lot: whoever chooses what
    to review would else choose what is measured.
    """
    query = (
        visible(actor)
        .with_only_columns(PredictionRecord.id, PredictionRecord.created_at)
        .where(PredictionRecord.application == application, PredictionRecord.status.in_(_ANSWERED))
        .where(~_taken(ReadingRecord.reader_id == actor.user_id))
    )
    panel = exists().where(PanelRecord.prediction_id == PredictionRecord.id)
    if drawn in (Drawn.WORTH, Drawn.RANDOM):
        own = exists().where(ReviewRecord.prediction_id == PredictionRecord.id, ReviewRecord.author_id == actor.user_id)
        query = query.where(~_taken(), ~panel)
        if drawn is Drawn.RANDOM:
            return query.where(drawn_by_lot()).order_by(LOT)
        return query.where(~drawn_by_lot(), ~own).order_by(worth().desc(), PredictionRecord.created_at)
    query = query.join(PanelRecord, PanelRecord.prediction_id == PredictionRecord.id).order_by(PanelRecord.created_at)
    if drawn is Drawn.ADJUDICATION:
        return query.where(PanelRecord.agreed.is_(False), ~_taken(ReadingRecord.drawn == drawn.value))
    knows = and_(PanelRecord.hidden, PredictionRecord.owner_id == actor.user_id)
    return query.where(PanelRecord.agreed.is_(None), _readers() < rules.READERS, ~knows)


def _readers() -> ColumnElement[int]:
    live = or_(ReadingRecord.answered_at.is_not(None), ReadingRecord.expires_at > func.now())
    query = select(func.count()).where(
        ReadingRecord.prediction_id == PredictionRecord.id, ReadingRecord.drawn == Drawn.PANEL.value, live
    )
    return query.correlate(PredictionRecord).scalar_subquery()


def claim(session: Session, actor: Actor, application: str, drawn: Drawn, count: int) -> list[ReadingRecord]:
    """Give the actor up to so many predictions that nobody else has.

    The rows are locked first, those that others are just locking passed over; only then is asked, with new eyes, who
    has them, so that of two who come at once each gets others.
    """
    if count < 1:
        return []
    query = waiting(actor, application, drawn)
    first = _first(query, drawn).limit(count)
    locked = session.execute(first.with_for_update(of=PredictionRecord, skip_locked=True)).all()
    free = query.order_by(None).where(PredictionRecord.id.in_([row.id for row in locked]))
    still = {row.id for row in session.execute(free)}
    expires = func.now() + rules.CLAIM
    for row in locked:
        if row.id not in still:
            continue
        given = {
            "drawn": drawn.value,
            "chance": rules.RANDOM_SHARE if drawn is Drawn.RANDOM else None,
            "claimed_at": func.now(),
            "expires_at": expires,
        }
        new = {"id": uuid.uuid4(), "prediction_id": row.id, "reader_id": actor.user_id}
        session.execute(
            insert(ReadingRecord)
            .values(**new, **given)
            .on_conflict_do_update(index_elements=["prediction_id", "reader_id"], set_=given)
        )
    wanted = [row.id for row in locked if row.id in still]
    records = session.scalars(
        select(ReadingRecord)
        .where(ReadingRecord.reader_id == actor.user_id, ReadingRecord.prediction_id.in_(wanted))
        .execution_options(populate_existing=True)
    )
    return sorted(records, key=lambda record: wanted.index(record.prediction_id))


def held_by_another(session: Session, record: ReadingRecord) -> bool:
    """Whether a claim ran out and somebody else was given the prediction since."""
    others = select(func.count()).where(
        ReadingRecord.prediction_id == record.prediction_id,
        ReadingRecord.reader_id != record.reader_id,
        ReadingRecord.drawn == record.drawn,
        or_(ReadingRecord.answered_at.is_not(None), ReadingRecord.expires_at > func.now()),
    )
    return (session.scalar(others) or 0) >= (rules.READERS if record.drawn == Drawn.PANEL.value else 1)


def standing(session: Session, prediction_id: uuid.UUID, reader_id: uuid.UUID) -> str:
    """What a review by this person counts as: see ``store.reviews``."""
    drawn = session.scalar(
        select(ReadingRecord.drawn).where(
            ReadingRecord.prediction_id == prediction_id, ReadingRecord.reader_id == reader_id
        )
    )
    return "own" if drawn is None else "adjudication" if drawn == Drawn.ADJUDICATION.value else "reader"


def panel_of(session: Session, prediction_id: uuid.UUID) -> PanelRecord | None:
    return session.scalar(select(PanelRecord).where(PanelRecord.prediction_id == prediction_id))


_BY_READER = and_(
    ReadingRecord.prediction_id == ReviewRecord.prediction_id,
    ReadingRecord.reader_id == ReviewRecord.author_id,
    ReadingRecord.drawn == Drawn.PANEL.value,
    ReadingRecord.answered_at.is_not(None),
    ReviewRecord.superseded_at.is_(None),
)


def readers_of(session: Session, prediction_id: uuid.UUID) -> list[ReviewRecord]:
    """What the panel's readers said, in the order in which they answered."""
    query = select(ReviewRecord).join(ReadingRecord, _BY_READER).where(ReviewRecord.prediction_id == prediction_id)
    return list(session.scalars(query.order_by(ReadingRecord.answered_at)))


def labels_of(ids: Sequence[uuid.UUID]) -> Select[uuid.UUID, str | None]:
    """(prediction, label) of what the readers of these panels said, in the order in which they answered."""
    return (
        select(ReviewRecord.prediction_id, ReviewRecord.label)
        .join(ReadingRecord, _BY_READER)
        .where(among(ReviewRecord.prediction_id, ids))
        .order_by(ReadingRecord.answered_at)
    )


def blind(session: Session, prediction_id: uuid.UUID, reader_id: uuid.UUID) -> bool:
    """Whether this reader must not see yet what others said: a panel is open, and they may still be one of the two.

    Where the network's answer is hidden this lasts until the two are compared, because what others said tells of it.
    """
    panel = panel_of(session, prediction_id)
    if panel is None or panel.agreed is not None:
        return False
    if panel.hidden:
        return True
    answered = select(ReadingRecord.id).where(
        ReadingRecord.prediction_id == prediction_id,
        ReadingRecord.reader_id == reader_id,
        ReadingRecord.answered_at.is_not(None),
    )
    return session.scalar(answered) is None


def told() -> ColumnElement[bool]:
    """Of a review: lists may tell what it says. Of a panel nothing is told until the two were compared: whoever looks
    may still be one of them."""
    return ~exists().where(PanelRecord.prediction_id == ReviewRecord.prediction_id, PanelRecord.agreed.is_(None))


def hides(session: Session, prediction_id: uuid.UUID) -> bool:
    """Whether it is read blind: see ``store.predictions.read_blind``."""
    query = select(PredictionRecord.id).where(PredictionRecord.id == prediction_id, read_blind())
    return session.scalar(query) is not None


def truth(predictions: Select[uuid.UUID]) -> Select[ReviewRecord]:
    """The review that counts as the truth of each prediction, of those whose ids the query selects.

    A third reader's decision, else what curators said in the inbox, else what whoever asked said; the newest of equals.
    Where two readers were asked and do not agree, or have not both answered, nothing is known before the third decides.
    """
    open_panel = exists().where(
        PanelRecord.prediction_id == ReviewRecord.prediction_id, PanelRecord.agreed.is_not(True)
    )
    order = case({"adjudication": 0, "reader": 1}, value=ReviewRecord.standing, else_=2)
    return (
        select(ReviewRecord)
        .where(
            ReviewRecord.prediction_id.in_(predictions),
            ReviewRecord.superseded_at.is_(None),
            or_(~open_panel, ReviewRecord.standing == "adjudication"),
        )
        .ext(distinct_on(ReviewRecord.prediction_id))
        .order_by(ReviewRecord.prediction_id, order, ReviewRecord.created_at.desc())
    )
