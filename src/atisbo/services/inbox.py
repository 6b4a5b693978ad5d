"""The review inbox: being given answers worth a look, one after the other, and answering them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.inbox import CLAIM, PREFETCH_MAX, RANDOM_EVERY, Drawn, worth
from atisbo.domain.reviews import Verdict, verdict_on
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import panels, predictions, reviews
from atisbo.services.predictions import PredictionView
from atisbo.services.reviews import ReviewView
from atisbo.store import readings as store
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord, visible
from atisbo.store.readings import ReadingRecord
from atisbo.store.reviews import current


@dataclass(frozen=True)
class Reading:
    """One answer that this curator was given."""

    id: UUID
    drawn: Drawn
    chance: float | None
    worth: float
    """0..1: how much there is to be learnt from it; 0 where the answer, which it is made of, is not shown."""
    expires_at: datetime
    answered_at: datetime | None
    hidden: bool
    """The network's answer is not shown."""
    prediction: PredictionView
    asked: ReviewView | None
    """What whoever asked said of it; None where they said nothing, and where it is read blind."""
    readers: list[ReviewView]
    """What the two said who disagree, for the third; empty otherwise."""


@dataclass(frozen=True)
class Progress:
    answered: int
    """By this curator, today (UTC)."""
    waiting: int
    """That this curator could still be given."""
    panels: int
    """Of them, asked of two readers, or of a third."""


def _rights(actor: Actor) -> None:
    actor.require(Right.SEE_ALL)
    actor.require(Right.REVIEW_ALL)


def give(session: Session, actor: Actor, *, application: str, count: int = 1) -> list[Reading]:
    """Up to ``count`` answers that nobody else has: what two or three readers were asked for, then one by lot to four
    by worth. Each is the actor's until it expires.

    Raises:
        NotAllowed: no curator.
    """
    _rights(actor)
    found: list[ReadingRecord] = []
    wanted = min(count, PREFETCH_MAX)
    for drawn in (Drawn.ADJUDICATION, Drawn.PANEL):
        found += store.claim(session, actor, application, drawn, wanted - len(found))
    found += _in_turns(session, actor, application, wanted - len(found))
    return [_view(session, actor, record) for record in found]


def _in_turns(session: Session, actor: Actor, application: str, count: int) -> list[ReadingRecord]:
    """By lot and by worth; where there are no more of the one, of the other. Each kind is claimed at once, because
    every claim puts all answers in order."""
    given = _given(session, actor)
    turns = [number % RANDOM_EVERY == RANDOM_EVERY - 1 for number in range(given, given + count)]
    by_lot = store.claim(session, actor, application, Drawn.RANDOM, sum(turns))
    by_worth = store.claim(session, actor, application, Drawn.WORTH, count - len(by_lot))
    by_lot += store.claim(session, actor, application, Drawn.RANDOM, count - len(by_lot) - len(by_worth))
    found: list[ReadingRecord] = []
    for lot in turns[: len(by_lot) + len(by_worth)]:
        first, other = (by_lot, by_worth) if lot else (by_worth, by_lot)
        found.append((first or other).pop(0))
    return found


def _given(session: Session, actor: Actor) -> int:
    """How many the actor was given by worth or by lot."""
    query = select(func.count()).where(
        ReadingRecord.reader_id == actor.user_id,
        ReadingRecord.drawn.in_((Drawn.WORTH.value, Drawn.RANDOM.value)),
    )
    return session.scalar(query) or 0


def answer(
    session: Session,
    actor: Actor,
    *,
    reading_id: UUID,
    application: Application,
    card: Card,
    verdict: Verdict | None,
    label: str | None = None,
    metadata: Mapping[str, object] | None = None,
) -> ReviewView:
    """Write the review, and note that the reading is done. Answering again changes the review.

    Args:
        verdict: None where the network's answer is hidden; then it follows from the label, when the two are compared.

    Raises:
        NotFound: no such reading of this actor's.
        Conflict: it expired, and somebody else was given it.
        Conflict, Invalid: see ``reviews.put``.
    """
    record = find(session, actor, reading_id=reading_id)
    if record.answered_at is None and store.held_by_another(session, record):
        raise Conflict("reading_expired", "This image was given to somebody else meanwhile. Go on with the next one.")
    earlier = session.scalar(current(record.prediction_id, actor.user_id))
    hidden = _hidden(session, record)
    if hidden:
        verdict = _verdict(session, record, label, drawn=earlier is not None and earlier.mask_state is not None)
    elif verdict is None:
        raise Invalid("verdict_missing", "Say whether the answer was right.")
    said = reviews.put(
        session,
        actor,
        application=application,
        card=card,
        prediction_id=record.prediction_id,
        verdict=verdict,
        label=label,
        metadata=metadata if metadata is not None else (earlier.answers if earlier else None),
        blind=hidden,
    )
    record.answered_at = now()
    session.flush()
    panels.answered(session, record, card=card)
    return said


def _verdict(session: Session, record: ReadingRecord, label: str | None, *, drawn: bool) -> Verdict:
    """Of somebody who does not see the answer: none before the two are compared, for it would tell of the answer."""
    findings = record.prediction.findings or {}
    if findings.get("task") == "classification":
        told = None if store.hides(session, record.prediction_id) else verdict_on(findings, label)
        return told or Verdict.UNKNOWN
    if not drawn and label is not None:
        raise Invalid("outline_missing", "Draw the outline first.")
    return Verdict.UNKNOWN


def undo(session: Session, actor: Actor, *, reading_id: UUID) -> Reading:
    """Take the answer back: the review is removed, and the image is the actor's again.

    Raises:
        NotFound: no such reading of this actor's.
        Conflict: two readers were compared since, and this was one of them.
    """
    record = find(session, actor, reading_id=reading_id)
    if record.answered_at is not None:
        panels.reopened(session, record)
        reviews.forget(session, actor, prediction_id=record.prediction_id)
        record.answered_at = None
        record.expires_at = now() + CLAIM
        session.flush()
    return _view(session, actor, record)


def release(session: Session, actor: Actor, *, reading_id: UUID) -> None:
    """Hand an image back that was not answered, so that somebody else can be given it at once."""
    record = find(session, actor, reading_id=reading_id)
    if record.answered_at is None:
        session.execute(delete(ReadingRecord).where(ReadingRecord.id == record.id))


def find(session: Session, actor: Actor, *, reading_id: UUID) -> ReadingRecord:
    _rights(actor)
    seen = visible(actor).with_only_columns(PredictionRecord.id)
    record = session.scalar(
        select(ReadingRecord).where(
            ReadingRecord.id == reading_id,
            ReadingRecord.reader_id == actor.user_id,
            ReadingRecord.prediction_id.in_(seen),
        )
    )
    if record is None:
        raise NotFound("reading_unknown", "There is no such image in your inbox, or it has been deleted.")
    return record


def progress(session: Session, actor: Actor, *, application: str) -> Progress:
    """How much is done and how much is left.

    Raises:
        NotAllowed: no curator.
    """
    _rights(actor)
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    answered = select(func.count()).where(
        ReadingRecord.reader_id == actor.user_id,
        ReadingRecord.answered_at >= today,
        ReadingRecord.prediction.has(PredictionRecord.application == application),
    )
    left = {drawn: _count(session, actor, application, drawn) for drawn in Drawn}
    panel = left[Drawn.PANEL] + left[Drawn.ADJUDICATION]
    return Progress(session.scalar(answered) or 0, sum(left.values()), panel)


def _count(session: Session, actor: Actor, application: str, drawn: Drawn) -> int:
    rows = store.waiting(actor, application, drawn).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def _hidden(session: Session, record: ReadingRecord) -> bool:
    panel = store.panel_of(session, record.prediction_id) if record.drawn == Drawn.PANEL.value else None
    return panel is not None and panel.hidden


def _view(session: Session, actor: Actor, record: ReadingRecord) -> Reading:
    drawn, prediction = Drawn(record.drawn), predictions.view(session, record.prediction, queued=False)
    theirs = session.scalar(current(record.prediction_id, prediction.owner_id))
    readers = store.readers_of(session, record.prediction_id) if drawn is Drawn.ADJUDICATION else []
    shown = drawn is not Drawn.PANEL and prediction.owner_id != actor.user_id
    hidden = _hidden(session, record)
    said = worth((prediction.findings or {}).get("uncertainty"), theirs.verdict if theirs else None)
    return Reading(
        id=record.id,
        drawn=drawn,
        chance=record.chance,
        worth=0.0 if hidden else said,
        expires_at=record.expires_at,
        answered_at=record.answered_at,
        hidden=hidden,
        prediction=prediction,
        asked=reviews.view(theirs) if theirs and shown else None,
        readers=[reviews.view(one) for one in readers],
    )
