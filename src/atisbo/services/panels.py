"""Two readers asked blind: asking, comparing what they said, and how far they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.agreement import AGREED_DICE, Estimate, kappa, mean
from atisbo.domain.cards import Card
from atisbo.domain.corrections import MaskState, layers
from atisbo.domain.inbox import READERS, Drawn
from atisbo.domain.reviews import Verdict, verdict_on
from atisbo.errors import Conflict, Invalid
from atisbo.services import audit, versions
from atisbo.store import readings as store
from atisbo.store.blobs import Blobs, corrected
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord, visible
from atisbo.store.queue import COMPARE, URGENT, enqueue
from atisbo.store.readings import PanelRecord, ReadingRecord
from atisbo.store.reviews import ReviewRecord

_DRAWN = (MaskState.CHECKING.value, MaskState.KEPT.value)
MOST = 1000
"""Answers that two readers can be asked for at once."""


@dataclass(frozen=True)
class Sides:
    """What two readers drew."""

    masks: list[bytes | None]
    """As they are kept; None of a reader who found the network's right."""
    checking: bool
    """One of them has not been opened yet."""
    size: tuple[int, int]
    """Height and width, pixels."""


@dataclass(frozen=True)
class Disagreement:
    """An answer on which the two readers differ."""

    prediction_id: UUID
    said: list[str | None]
    """What each called it; None where a reader does not know, or was asked for an outline."""
    dice: dict[str, float] | None
    decided: bool
    """A third has decided."""


@dataclass(frozen=True)
class Agreement:
    """Of one application's answers that two readers were asked for."""

    asked: int
    read: int
    """Both have answered."""
    agreed: int
    decided: int
    """They differed, and a third has decided."""
    kappa: Estimate | None
    """Of their labels."""
    table: list[tuple[str, str, int]]
    """What the first and the second reader said, and how often."""
    dice: dict[str, Estimate]
    """Between their outlines, by layer."""
    differing: list[Disagreement]
    """Newest first."""


def ask(
    session: Session,
    actor: Actor,
    *,
    application: str,
    hidden: bool,
    count: int | None = None,
    share: float | None = None,
    chosen: Sequence[UUID] = (),
) -> int:
    """Ask two readers, independently of one another, for chosen answers or for some drawn at random.

    Args:
        hidden: the readers do not see the network's answer.
        count: how many are drawn; or ``share``, 0..1, of all that nobody has read yet.

    Returns:
        For how many they are asked now; those that were asked for before, or are being read, are left out.

    Raises:
        Invalid: neither or more than one of count, share and chosen was said, or more than ``MOST``.
    """
    actor.require(Right.SEE_ALL)
    actor.require(Right.REVIEW_ALL)
    if sum((count is not None, share is not None, bool(chosen))) != 1:
        raise Invalid("panel_which", "Say which answers two readers are asked for: a number, a share, or chosen ones.")
    query = store.unread(actor, application)
    if chosen:
        query = query.where(PredictionRecord.id.in_(chosen[:MOST]))
    if share is not None:
        everything = session.scalar(select(func.count()).select_from(query.subquery())) or 0
        count = round(share * everything)
    query = query.order_by(func.random()).limit(min(count if count is not None else MOST, MOST))
    found = list(session.scalars(query.with_for_update(of=PredictionRecord, skip_locked=True)))
    for one in found:
        session.add(PanelRecord(prediction_id=one, hidden=hidden, asked_by=actor.user_id))
    session.flush()
    if found:
        audit.note(session, actor, "panel.asked", f"application:{application}", count=len(found), hidden=hidden)
    return len(found)


def answered(session: Session, reading: ReadingRecord, *, card: Card) -> None:
    """For ``inbox.answer``: compare the two when both have answered; a third's answer settles it."""
    panel = store.panel_of(session, reading.prediction_id)
    if panel is None:
        return
    if reading.drawn == Drawn.ADJUDICATION.value:
        panel.settled_at = now()
    elif reading.drawn == Drawn.PANEL.value and len(store.readers_of(session, reading.prediction_id)) == READERS:
        _compare(session, reading.prediction_id, card)


def compare_again(session: Session, prediction_ids: Sequence[UUID]) -> None:
    """For ``deletions.undo``: have those compared whose two readers have answered; a job may have found nothing there
    meanwhile."""
    query = select(PanelRecord).where(PanelRecord.prediction_id.in_(prediction_ids), PanelRecord.agreed.is_(None))
    for panel in session.scalars(query).all():
        asked = panel.prediction
        if pair(session, prediction_id=asked.id) is not None:
            name = asked.version or ""
            _compare(session, asked.id, versions.card_named(session, application=asked.application, name=name))


def _compare(session: Session, prediction_id: UUID, card: Card | None) -> None:
    """The card is of the version that answered; None where that is gone, and no outlines can be compared."""
    said = {"prediction": str(prediction_id), "layers": list(_layers(card)) if card else []}
    enqueue(session, COMPARE, said, priority=URGENT)


def _layers(card: Card) -> tuple[str, ...]:
    try:
        return layers(card)
    except Conflict:
        return ()


def reopened(session: Session, reading: ReadingRecord) -> None:
    """For ``inbox.undo``.

    Raises:
        Conflict: the two were compared already.
    """
    panel = store.panel_of(session, reading.prediction_id)
    if panel is None or reading.drawn not in (Drawn.PANEL.value, Drawn.ADJUDICATION.value):
        return
    if reading.drawn == Drawn.ADJUDICATION.value:
        panel.settled_at = None
    elif panel.agreed is not None:
        raise Conflict("panel_compared", "The two readers have been compared. This answer can no longer be taken back.")


def pair(session: Session, *, prediction_id: UUID) -> tuple[PanelRecord, list[ReviewRecord]] | None:
    """For workers: the panel and what its two readers said; None where there is nothing to compare (any more)."""
    panel = store.panel_of(session, prediction_id)
    said = store.readers_of(session, prediction_id) if panel else []
    return (panel, said) if panel is not None and panel.agreed is None and len(said) == READERS else None


def sides(session: Session, *, blobs: Blobs, prediction_id: UUID) -> Sides | None:
    """For workers: the outlines to compare; None where a reader says of no outline that it is the true one."""
    found = pair(session, prediction_id=prediction_id)
    if found is None:
        return None
    panel, said = found
    image, findings = panel.prediction.image, panel.prediction.findings or {}
    trusts = findings.get("task") == "segmentation"
    if not all(one.mask_state in _DRAWN or (trusts and one.verdict == Verdict.RIGHT.value) for one in said):
        return None
    return Sides(
        masks=[blobs.get(corrected(prediction_id, one.mask)) if one.mask else None for one in said],
        checking=any(one.mask_state == MaskState.CHECKING.value for one in said),
        size=(image.height or 0, image.width or 0),
    )


def settle(session: Session, *, prediction_id: UUID, dice: Mapping[str, float] | None) -> None:
    """For workers: write down whether the two agree.

    Args:
        dice: between their outlines, by layer; None where not both have one.
    """
    found = pair(session, prediction_id=prediction_id)
    if found is None:
        return
    panel, said = found
    panel.dice = dict(dice) if dice is not None else None
    panel.agreed = _agree(panel.prediction, said, dice)
    panel.settled_at = now() if panel.agreed else None
    if panel.hidden:
        _reveal(panel.prediction, said)
    session.flush()


def _reveal(prediction: PredictionRecord, said: Sequence[ReviewRecord]) -> None:
    """Who read blind said what it is; only now they may be told whether the network was right."""
    for one in said:
        if (verdict := verdict_on(prediction.findings, one.label)) is not None:
            one.verdict = verdict.value


def _agree(prediction: PredictionRecord, said: Sequence[ReviewRecord], dice: Mapping[str, float] | None) -> bool:
    findings = prediction.findings or {}
    if findings.get("task") == "classification":
        labels = {one.label for one in said}
        if len(labels) > 1 or None in labels:
            return False
        return dice is None or min(dice.values()) >= AGREED_DICE
    return dice is not None and min(dice.values()) >= AGREED_DICE


def agreement(session: Session, actor: Actor, *, application: str, listed: int = 100) -> Agreement:
    """How far two readers agree on an application's answers.

    Raises:
        NotAllowed: no curator.
    """
    actor.require(Right.SEE_ALL)
    actor.require(Right.REVIEW_ALL)
    panels = _panels(session, actor, application)
    read = [panel for panel in panels if panel.agreed is not None]
    said = _said(session, [panel.prediction_id for panel in read])
    labels = [(one, other) for one, other in said.values() if one is not None and other is not None]
    differing = [panel for panel in read if not panel.agreed]
    layers = sorted({layer for panel in read for layer in panel.dice or {}})
    return Agreement(
        asked=len(panels),
        read=len(read),
        agreed=len(read) - len(differing),
        decided=sum(panel.settled_at is not None for panel in differing),
        kappa=kappa(labels),
        table=[(*one, count) for one, count in sorted(Counter(labels).items())],
        dice={
            layer: figure
            for layer in layers
            if (figure := mean([panel.dice[layer] for panel in read if panel.dice and layer in panel.dice]))
        },
        differing=[
            Disagreement(
                panel.prediction_id,
                list(said.get(panel.prediction_id, ())),
                panel.dice,
                panel.settled_at is not None,
            )
            for panel in differing[:listed]
        ],
    )


def _panels(session: Session, actor: Actor, application: str) -> list[PanelRecord]:
    seen = visible(actor).with_only_columns(PredictionRecord.id).where(PredictionRecord.application == application)
    query = select(PanelRecord).where(PanelRecord.prediction_id.in_(seen))
    return list(session.scalars(query.order_by(PanelRecord.created_at.desc(), PanelRecord.id)))


def _said(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[str | None, str | None]]:
    """The two readers' labels, by prediction, in the order in which they answered."""
    rows: dict[UUID, list[str | None]] = {}
    for prediction_id, label in session.execute(store.labels_of(ids)):
        rows.setdefault(prediction_id, []).append(label)
    return {identity: (labels[0], labels[1]) for identity, labels in rows.items() if len(labels) == READERS}
