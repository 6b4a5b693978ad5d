"""Saying whether an answer was right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, Field

from atisbo.domain.corrections import MaskState
from atisbo.domain.forms import ReviewField
from atisbo.domain.reviews import Verdict, Warning, warnings
from atisbo.errors import Invalid
from atisbo.i18n import translate
from atisbo.services import reviews
from atisbo.services.reviews import Mask, ReviewView
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db, State
from atisbo.web.render import language_of

router = APIRouter(tags=["reviews"])
Metadata = Annotated[dict[str, str | int | float | bool | None], Field(max_length=100)]
_ETAG = re.compile(r'"?(\d{1,9})"?')


class WordShape(BaseModel):
    """What is stored, and what people read for it."""

    value: str
    label: str


class FieldShape(BaseModel):
    """One question, in the reader's language."""

    name: str
    type: Literal["choice", "number", "text", "date"]
    label: str
    help: str
    choices: list[WordShape]
    required: bool
    min: float | None
    max: float | None
    whole: bool
    unit: str
    max_length: int | None


class FormShape(BaseModel):
    labels: list[WordShape]
    """What an answer can be, and so what `label` can be."""
    fields: list[FieldShape]


class WarningShape(BaseModel):
    field: str
    kind: Literal["name", "birth", "record", "contact"]
    found: str
    detail: str
    """In the reader's language."""


class Said(Body):
    metadata: Metadata = Field(default_factory=dict)


class ReviewBody(Said):
    verdict: Verdict
    label: str | None = Field(default=None, max_length=100)


class MaskShape(BaseModel):
    state: MaskState
    """`checking`: a worker has not opened it yet; `kept`: part of the review; `refused`: `problem` says why."""
    sha256: str | None
    """Of the mask as it is kept."""
    dice: dict[str, float] | None
    """How far it agrees with the network's outline, by layer: 1 is the same."""
    problem: str | None
    """In the reader's language."""


class ReviewShape(BaseModel):
    prediction_id: UUID
    author_id: UUID
    application: str
    version: int
    verdict: Verdict
    label: str | None
    metadata: dict[str, Any]
    mask: MaskShape | None
    """The corrected outline; its pixels are at `review/mask.png`."""
    created_at: datetime
    current: bool
    warnings: list[WarningShape]
    """What in the free texts may identify a person. Nothing is refused for it."""


class ReviewPage(BaseModel):
    items: list[ReviewShape]
    next: str | None


@router.get("/applications/{application}/form")
def form(application: str, request: Request, state: AppState, _: CurrentActor) -> FormShape:
    """What a review can say: the labels, and the questions of the form."""
    asked, card = state.application(application)
    language = language_of(request)
    return FormShape(
        labels=[WordShape(value=label, label=asked.word(label, language)) for label in card.output.labels],
        fields=[_field(field, language) for field in asked.review.fields],
    )


@router.post("/applications/{application}/form/warnings")
def look(application: str, body: Said, request: Request, state: AppState, _: CurrentActor) -> list[WarningShape]:
    """What in these answers may identify a person, before they are sent. Nothing is stored."""
    asked, _card = state.application(application)
    return _warnings(asked.review.fields, body.metadata, language_of(request))


@router.put("/predictions/{prediction_id}/review")
def put(
    prediction_id: UUID,
    body: ReviewBody,
    request: Request,
    response: Response,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    if_match: Annotated[
        str | None, Header(description="The `ETag` of the version you have read; `0`: none yet")
    ] = None,
) -> ReviewShape:
    """Say whether the answer was right; saying it anew makes a new version, and every version is kept.

    With `If-Match` a version that was written meanwhile is not overwritten (412).
    """
    application, card = state.application(application_of(db, actor, prediction_id))
    view = reviews.put(
        db,
        actor,
        application=application,
        card=card,
        prediction_id=prediction_id,
        verdict=body.verdict,
        label=body.label,
        metadata=body.metadata,
        expected=expected(if_match),
    )
    return tagged(response, shape(view, state, language_of(request)))


def application_of(db: Db, actor: CurrentActor, prediction_id: UUID) -> str:
    return reviews.find(db, actor, prediction_id=prediction_id).application


def expected(if_match: str | None) -> int | None:
    if if_match is None:
        return None
    said = _ETAG.fullmatch(if_match.strip())
    if said is None:
        raise Invalid("etag_wrong", "If-Match takes the ETag that came with the review, or 0.")
    return int(said[1])


@router.get("/predictions/{prediction_id}/review")
def get(
    prediction_id: UUID, request: Request, response: Response, db: Db, state: AppState, actor: CurrentActor
) -> ReviewShape:
    """One's own review, as it stands; `ETag` is its version."""
    view = reviews.get(db, actor, prediction_id=prediction_id)
    return tagged(response, shape(view, state, language_of(request)))


@router.delete("/predictions/{prediction_id}/review", status_code=204)
def forget(prediction_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """Remove one's own review with all its versions."""
    reviews.forget(db, actor, prediction_id=prediction_id)
    return Response(status_code=204)


@router.get("/predictions/{prediction_id}/review/history")
def history(prediction_id: UUID, request: Request, db: Db, state: AppState, actor: CurrentActor) -> list[ReviewShape]:
    """Every version, newest first; curators see everybody's."""
    language = language_of(request)
    return [shape(view, state, language) for view in reviews.history(db, actor, prediction_id=prediction_id)]


@router.get("/reviews")
def list_reviews(
    request: Request,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    application: Annotated[str | None, Query(max_length=60)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> ReviewPage:
    """One's own reviews as they stand, newest first."""
    page = reviews.list_(db, actor, application=application, limit=limit, before=before)
    language = language_of(request)
    return ReviewPage(items=[shape(view, state, language) for view in page.items], next=page.next)


def tagged(response: Response, shape: ReviewShape) -> ReviewShape:
    response.headers["ETag"] = f'"{shape.version}"'
    return shape


def shape(view: ReviewView, state: State, language: str) -> ReviewShape:
    known = state.applications.get(view.application)
    fields = known[0].review.fields if known else ()
    said = vars(view) | {"mask": view.mask and _mask(view.mask, language)}
    return ReviewShape(**said, warnings=_warnings(fields, view.metadata, language))


def _mask(mask: Mask, language: str) -> MaskShape:
    failure = mask.failure
    problem = failure and translate(language, failure.message, **failure.values_in(language))
    return MaskShape(state=mask.state, sha256=mask.sha256, dice=mask.dice, problem=problem)


def _warnings(fields: tuple[ReviewField, ...], metadata: dict[str, Any], language: str) -> list[WarningShape]:
    return [_warning(said, language) for said in warnings(fields, metadata, today=datetime.now(UTC).date())]


def _warning(said: Warning, language: str) -> WarningShape:
    suspicion = said.suspicion
    detail = translate(language, suspicion.message, found=suspicion.found)
    return WarningShape(field=said.field, kind=suspicion.kind, found=suspicion.found, detail=detail)


def _field(field: ReviewField, language: str) -> FieldShape:
    return FieldShape(
        name=field.name,
        type=field.type,
        label=field.label.in_(language),
        help=field.help.in_(language) if field.help else "",
        choices=[WordShape(value=choice.value, label=choice.label.in_(language)) for choice in field.choices],
        required=field.required,
        min=field.min,
        max=field.max,
        whole=field.whole,
        unit=field.unit,
        max_length=field.max_length if field.type == "text" else None,
    )
