"""The review inbox and panels of two readers, for curators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from atisbo.domain.agreement import Estimate
from atisbo.domain.inbox import PREFETCH_MAX, Drawn
from atisbo.domain.predictions import Status
from atisbo.domain.reviews import Verdict
from atisbo.services import inbox, panels
from atisbo.services.answers import PredictionShape
from atisbo.services.answers import shape as prediction_shape
from atisbo.services.inbox import Reading
from atisbo.web.api.reviews import Metadata, ReviewShape, shape
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db, State
from atisbo.web.render import language_of

router = APIRouter(tags=["inbox"])
Name = Annotated[str, Field(max_length=60)]
_SHOWN_BLIND = ("image", "preview", "thumbnail", "crop")


class NextBody(Body):
    application: Name
    count: int = Field(default=1, ge=1, le=PREFETCH_MAX)


class AnswerBody(Body):
    verdict: Verdict | None = None
    """Left out where the network's answer is hidden."""
    label: str | None = Field(default=None, max_length=100)
    metadata: Metadata | None = None
    """Left out: what the review already says stays."""


class ReadingShape(BaseModel):
    id: UUID
    drawn: Drawn
    """Why it was given: `worth` a look, by `random` lot, as one of two readers of a `panel`, or to decide between them
    (`adjudication`)."""
    chance: float | None
    """With which every answer is drawn by lot; null for those that were chosen."""
    worth: float
    expires_at: datetime
    answered_at: datetime | None
    hidden: bool
    """The network's answer is not shown."""
    prediction: PredictionShape
    asked: ReviewShape | None
    """What whoever asked said of it; null where it is read blind."""
    readers: list[ReviewShape]
    """What the two said who disagree, for the third."""


class ProgressShape(BaseModel):
    answered: int
    """By you, today (UTC)."""
    waiting: int
    panels: int


class PanelBody(Body):
    application: Name
    hidden: bool = False
    """The readers do not see the network's answer."""
    count: int | None = Field(default=None, ge=1, le=panels.MOST)
    share: float | None = Field(default=None, gt=0, le=1)
    predictions: list[UUID] = Field(default_factory=list, max_length=panels.MOST)


class AskedShape(BaseModel):
    asked: int


class EstimateShape(BaseModel):
    value: float
    low: float
    high: float
    n: int


class CellShape(BaseModel):
    first: str
    second: str
    count: int


class DifferingShape(BaseModel):
    prediction_id: UUID
    said: list[str | None]
    dice: dict[str, float] | None
    decided: bool


class AgreementShape(BaseModel):
    asked: int
    read: int
    agreed: int
    decided: int
    kappa: EstimateShape | None
    """Cohen's kappa of the two readers' labels, with its 95 % interval."""
    table: list[CellShape]
    dice: dict[str, EstimateShape]
    """Mean Dice coefficient between the two readers' outlines, by layer, with its 95 % interval."""
    differing: list[DifferingShape]


@router.post("/inbox/next")
def give(body: NextBody, request: Request, db: Db, state: AppState, actor: CurrentActor) -> list[ReadingShape]:
    """The next answers worth a look, each yours for ten minutes; nobody else gets them meanwhile."""
    application, _ = state.application(body.application)
    found = inbox.give(db, actor, application=application.name, count=body.count)
    return [_reading(one, state, language_of(request)) for one in found]


@router.get("/inbox")
def progress(
    db: Db, state: AppState, actor: CurrentActor, application: Annotated[str, Query(max_length=60)]
) -> ProgressShape:
    """How many you answered today, and how many wait."""
    state.application(application)
    return ProgressShape(**vars(inbox.progress(db, actor, application=application)))


@router.put("/inbox/{reading_id}/answer")
def answer(
    reading_id: UUID, body: AnswerBody, request: Request, db: Db, state: AppState, actor: CurrentActor
) -> ReviewShape:
    """Answer it: the review is written, with the corrected outline it may already have. Again changes the answer."""
    name = inbox.find(db, actor, reading_id=reading_id).prediction.application
    application, card = state.application(name)
    view = inbox.answer(
        db,
        actor,
        reading_id=reading_id,
        application=application,
        card=card,
        verdict=body.verdict,
        label=body.label,
        metadata=body.metadata,
    )
    return shape(view, state, language_of(request))


@router.delete("/inbox/{reading_id}/answer")
def undo(reading_id: UUID, request: Request, db: Db, state: AppState, actor: CurrentActor) -> ReadingShape:
    """Take your answer back; the image is yours again."""
    return _reading(inbox.undo(db, actor, reading_id=reading_id), state, language_of(request))


@router.delete("/inbox/{reading_id}", status_code=204)
def release(reading_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """Hand an image back that you have not answered."""
    inbox.release(db, actor, reading_id=reading_id)
    return Response(status_code=204)


@router.post("/panels", status_code=201)
def ask(body: PanelBody, db: Db, state: AppState, actor: CurrentActor) -> AskedShape:
    """Ask two readers, blind, for a number or a share of the answers that nobody has read, or for chosen ones."""
    state.application(body.application)
    count = panels.ask(
        db,
        actor,
        application=body.application,
        hidden=body.hidden,
        count=body.count,
        share=body.share,
        chosen=body.predictions,
    )
    return AskedShape(asked=count)


@router.get("/agreement")
def agreement(
    db: Db, state: AppState, actor: CurrentActor, application: Annotated[str, Query(max_length=60)]
) -> AgreementShape:
    """How far two readers agree."""
    state.application(application)
    found = panels.agreement(db, actor, application=application)
    return AgreementShape(
        asked=found.asked,
        read=found.read,
        agreed=found.agreed,
        decided=found.decided,
        kappa=_estimate(found.kappa) if found.kappa else None,
        table=[CellShape(first=one, second=other, count=count) for one, other, count in found.table],
        dice={layer: _estimate(figure) for layer, figure in found.dice.items()},
        differing=[DifferingShape(**vars(one)) for one in found.differing],
    )


def _estimate(figure: Estimate) -> EstimateShape:
    return EstimateShape(**figure._asdict())


def _reading(reading: Reading, state: State, language: str) -> ReadingShape:
    prediction = prediction_shape(reading.prediction, language)
    if reading.hidden:
        links = {name: link for name, link in prediction.links.items() if name in _SHOWN_BLIND}
        # Nor whether it is sure: a panel asks only for what was answered.
        prediction = prediction.model_copy(update={"findings": None, "status": Status.DONE, "links": links})
    said: dict[str, Any] = vars(reading) | {
        "prediction": prediction,
        "asked": shape(reading.asked, state, language) if reading.asked else None,
        "readers": [shape(one, state, language) for one in reading.readers],
    }
    return ReadingShape(**said)
