"""Two pictures of one person side by side."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from atisbo.services import pairs
from atisbo.web.api.shapes import PredictionShape, shape
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.render import language_of

router = APIRouter(tags=["predictions"])


class DifferenceShape(BaseModel):
    measure: str
    values: dict[str, float]
    """By side, to two decimals."""
    difference: float
    notable: bool
    """Above `limit`."""
    limit: float
    note: str
    """What a difference above the limit means, in the reader's language; it is no diagnosis."""


class PairShape(BaseModel):
    id: UUID
    application: str
    sides: dict[str, PredictionShape | None]
    """By side, what was last asked of it; null for one that is not there."""
    difference: DifferenceShape | None
    """Null until both are answered, and where one of them could not be measured."""


@router.get("/applications/{application}/pairs/{pair_id}")
def get(application: str, pair_id: UUID, request: Request, db: Db, actor: CurrentActor, state: AppState) -> PairShape:
    """Two pictures that were sent with the same `pair`, and how far they differ."""
    asked, _ = state.application(application)
    language = language_of(request)
    found = pairs.get(db, actor, application=asked, pair_id=pair_id)
    said, section = found.difference, asked.pair
    return PairShape(
        id=found.id,
        application=found.application,
        sides={name: side and shape(side.prediction, language) for name, side in found.sides.items()},
        difference=DifferenceShape(**vars(said), limit=section.notable, note=section.note.in_(language))
        if said and section
        else None,
    )
