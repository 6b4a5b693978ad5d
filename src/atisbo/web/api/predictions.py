"""Asking, waiting, reading."""

from __future__ import annotations

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Header, Query, Request, Response, UploadFile
from pydantic import ValidationError
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.cards import first_fault
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.domain.predictions import Failure, Status
from atisbo.errors import Invalid, NotFound
from atisbo.services import asking, predictions, webhooks
from atisbo.services.asking import Upload
from atisbo.services.neighbours import Wish
from atisbo.services.predictions import PredictionView
from atisbo.web import problems
from atisbo.web.api.pictures import Include, NeighboursShape, check_include, nearest
from atisbo.web.api.shapes import PredictionPage, PredictionShape, shape
from atisbo.web.deps import AppState, CurrentActor, Db, in_transaction, state_of
from atisbo.web.render import language_of
from atisbo.web.waiting import finished

router = APIRouter(tags=["predictions"])
Asked = tuple[Actor, PredictionView]
_WAIT = re.compile(r"\bwait=(\d{1,3})\b")
MAX_WAIT_S = 60


class AnsweredShape(PredictionShape):
    neighbours: NeighboursShape | None = None
    """What looks most alike, where it is asked for or is what the application is for; null where there is no answer to
    compare by."""


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "With `Prefer: wait=N`: the finished prediction.", "model": AnsweredShape},
    202: {
        "description": "Stored and queued; `Location` says where the answer will be.",
        "model": PredictionShape,
    },
}


PERMITS = "Any of `training` (it may be learnt from) and `sharing` (others may find it), apart by spaces"


@router.post("/applications/{application}/predictions", status_code=202, responses=ANSWERS, response_model=None)
async def ask(
    application: str,
    request: Request,
    state: AppState,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, TIFF or BMP")],
    region: Annotated[str | None, Form(description="JSON {x, y, width, height} in the original's pixels")] = None,
    consent: Annotated[str, Form(description=PERMITS)] = "",
    pair: Annotated[
        UUID | None, Form(description="Shared with the other picture of the same person; any new id")
    ] = None,
    side: Annotated[str, Form(max_length=60, description="Which of the two it is, as `OD` or `OS`")] = "",
    webhook_url: Annotated[str, Form(description="Told when the prediction is finished; see `webhooks`")] = "",
    include: Include = "",
    idempotency_key: Annotated[str | None, Header()] = None,
    prefer: Annotated[str, Header()] = "",
) -> Response:
    """Store a picture and queue it; with `Prefer: wait=N` wait up to N seconds for the answer.

    An answer that was waited for brings what looks most alike: with `include=neighbours`, in `art` always, with
    `include=thumbnails` each with its thumbnail. If the picture turns out to be no good while we wait, the answer is a
    problem that carries the prediction.
    """
    check_include(include, "neighbours", "thumbnails")
    upload = Upload(await file.read(), file.filename or "")

    def work(session: Session, actor: Actor) -> Asked:
        asked, _ = state.application(application)
        view = asking.ask(
            session,
            actor,
            blobs=state.blobs,
            application=asked,
            upload=upload,
            region=read_region(region),
            training_consent="training" in consent.split(),
            sharing_consent="sharing" in consent.split(),
            idempotency_key=idempotency_key,
            half=_half(pair, side),
        )
        if webhook_url:
            webhooks.arm(session, actor, state.settings, prediction_id=view.id, url=webhook_url)
        return actor, view

    return await answer(request, *await in_transaction(request, work), prefer, include)


async def answer(request: Request, actor: Actor, view: PredictionView, prefer: str, include: str = "") -> Response:
    """202 with the queued prediction, or, as the caller prefers, the finished one."""
    wait = _WAIT.search(prefer)
    headers = {"Location": f"/api/v1/predictions/{view.id}"}
    if wait:
        view = await finished(request, actor, view, min(int(wait[1]), MAX_WAIT_S))
        headers["Preference-Applied"] = wait[0]
    if view.failure is not None:
        return failed(request, view, view.failure)
    said = shape(view, language_of(request))
    if view.status.finished and (include or _finds_pictures(request, view)):
        said = AnsweredShape(**vars(said), neighbours=await _neighbours(request, view, include))
    body = said.model_dump_json()
    return Response(body, 200 if view.status.finished else 202, headers, media_type="application/json")


def _finds_pictures(request: Request, view: PredictionView) -> bool:
    """Whether similar pictures are part of what the application answers."""
    application, card = state_of(request).application(view.application)
    return application.similar == "pictures" and card.output.embedding is not None


async def _neighbours(request: Request, view: PredictionView, include: str) -> NeighboursShape | None:
    try:
        return await nearest(request, view.id, Wish(), thumbnails="thumbnails" in include)
    except NotFound:
        return None


def failed(request: Request, view: PredictionView, failure: Failure) -> Response:
    error = Invalid(failure.code, failure.message, **failure.values_in(language_of(request)))
    said = shape(view, language_of(request)).model_dump(mode="json")
    return problems.problem(request, error, status=failure.status, prediction=said)


def read_region(text: str | None) -> Region | None:
    """The region as it came with a request, if one came."""
    if not text:
        return None
    try:
        return Region.model_validate_json(text)
    except ValidationError as error:
        raise Invalid(
            "region_wrong",
            "The region could not be read: {fault}. Send whole numbers for x, y, width and height.",
            fault=first_fault(error),
        ) from error


def _half(pair: UUID | None, side: str) -> Half | None:
    if (pair is None) != (not side):
        raise pair_wrong("pair and side belong together")
    return Half(pair, side) if pair is not None else None


def pair_wrong(fault: str) -> Invalid:
    return Invalid("pair_wrong", "The pair could not be read: {fault}. Send its id and a side.", fault=fault)


@router.get("/predictions")
def list_predictions(
    request: Request,
    db: Db,
    actor: CurrentActor,
    application: Annotated[str | None, Query(max_length=60)] = None,
    status: Status | None = None,
    ids: Annotated[list[UUID] | None, Query(alias="id", max_length=50, description="Only these")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> PredictionPage:
    """One's own predictions, newest first."""
    page = predictions.list_(db, actor, application=application, status=status, ids=ids, limit=limit, before=before)
    language = language_of(request)
    return PredictionPage(items=[shape(view, language) for view in page.items], next=page.next)


@router.get("/predictions/{prediction_id}")
def get(prediction_id: UUID, request: Request, db: Db, actor: CurrentActor) -> PredictionShape:
    return shape(predictions.get(db, actor, prediction_id=prediction_id), language_of(request))
