"""Two pictures of one person side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain import pairs as rules
from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.pairs import Difference
from atisbo.errors import NotFound
from atisbo.services.predictions import PredictionView, view
from atisbo.store.predictions import PredictionRecord, readable


@dataclass(frozen=True)
class Side:
    """What was last asked of one of the two."""

    prediction: PredictionView
    findings: dict[str, Any] | None
    """With the outlines, which the prediction's own are without."""


@dataclass(frozen=True)
class PairView:
    id: UUID
    application: str
    sides: dict[str, Side | None]
    """Both, in the order in which they are shown; None for one that is not there (any more)."""
    difference: Difference | None
    """None until both are answered, or where one of them was not measured."""

    @property
    def open(self) -> bool:
        """Whether an answer is still to come."""
        return any(side is not None and not side.prediction.status.finished for side in self.sides.values())


def get(session: Session, actor: Actor, *, application: Application, pair_id: UUID) -> PairView:
    """The newest prediction of each side, as far as this actor may see them.

    Raises:
        NotFound: no such pair for this actor.
    """
    actor.require(Right.PREDICT)
    query = readable(actor).where(PredictionRecord.pair_id == pair_id, PredictionRecord.application == application.name)
    records = list(session.scalars(query.order_by(PredictionRecord.created_at)))
    if application.pair is None or not records:
        raise NotFound("pair_unknown", "There is no such pair of pictures, or it has been deleted.")
    owners = {record.owner_id for record in records}
    owner = actor.user_id if actor.user_id in owners else records[0].owner_id
    newest = {record.side: record for record in records if record.owner_id == owner}
    names = rules.sides_of(application.pair, application.review.fields)
    found = {name: _side(session, newest[name]) if name in newest else None for name in names}
    measured = {name: (side.findings or {}).get("ratios", {}) for name, side in found.items() if side}
    return PairView(pair_id, application.name, found, rules.compare(application.pair, measured))


def _side(session: Session, record: PredictionRecord) -> Side:
    return Side(view(session, record), record.findings)
