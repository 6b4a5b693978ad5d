"""Many files in one request."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile

from atisbo.domain.access import Actor
from atisbo.domain.cards import first_fault
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.errors import Invalid
from atisbo.i18n import translate
from atisbo.services import batches
from atisbo.services.batches import Question, Result, Sent
from atisbo.web.api.predictions import PERMITS, pair_wrong
from atisbo.web.api.shapes import FailureShape, PairOfShape, PredictionShape, shape
from atisbo.web.deps import AppState, in_transaction
from atisbo.web.render import language_of

router = APIRouter(tags=["predictions"])
_REGIONS: Final = TypeAdapter(dict[str, Region])
_PAIRS: Final = TypeAdapter(dict[str, PairOfShape])
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {
                        "type": "array",
                        "items": {"type": "string", "format": "binary"},
                        "description": "Pictures, and ZIP files of pictures",
                    },
                    "regions": {
                        "type": "string",
                        "description": "JSON {file name: {x, y, width, height}} in each original's pixels",
                    },
                    "pairs": {
                        "type": "string",
                        "description": "JSON {file name: {id, side}}: two pictures of one person; see `pairs`",
                    },
                    "consent": {"type": "string", "description": PERMITS},
                    "webhook_url": {"type": "string", "description": "Told of each answer; see `webhooks`"},
                },
            }
        }
    },
}


class ResultShape(BaseModel):
    """One picture's fate: one of the two is there."""

    file: str
    prediction: PredictionShape | None
    failure: FailureShape | None


class BatchShape(BaseModel):
    accepted: int
    refused: int
    items: list[ResultShape]
    """In the order of the request; those of a ZIP in its own order."""


@router.post("/applications/{application}/batches", status_code=207, openapi_extra={"requestBody": _BODY})
async def ask(
    application: str,
    request: Request,
    state: AppState,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> BatchShape:
    """Store and queue many pictures; each gets a prediction, or the reason why it was not taken.

    Answers arrive at each prediction's own address. The body is read only once it is known who sends it.
    """
    asked, _ = state.application(application)
    actor: Actor = await in_transaction(request, lambda _, actor: actor)
    request.state.actor = actor
    most = batches.limits(state.settings).files
    async with request.form(max_files=most + 1, max_fields=10) as form:
        question = Question(asked, _regions(form), _permits(form), idempotency_key, _url(form), _halves(form))
        files = [_sent(part) for part in form.getlist("files") if isinstance(part, UploadFile)]
        results = await run_in_threadpool(batches.ask, state.workplace, actor, question=question, files=files)
    return _shape(results, language_of(request))


def _sent(part: UploadFile) -> Sent:
    return Sent(part.filename or "", part.file, part.size or 0)


def _permits(form: FormData) -> frozenset[str]:
    said = form.get("consent")
    return frozenset(said.split()) if isinstance(said, str) else frozenset()


def _url(form: FormData) -> str:
    said = form.get("webhook_url")
    return said if isinstance(said, str) else ""


def _regions(form: FormData) -> dict[str, Region]:
    said = form.get("regions")
    if not said:
        return {}
    try:
        return _REGIONS.validate_json(said if isinstance(said, str) else "")
    except ValidationError as error:
        raise Invalid(
            "region_wrong",
            "The region could not be read: {fault}. Send whole numbers for x, y, width and height.",
            fault=first_fault(error),
        ) from error


def _halves(form: FormData) -> dict[str, Half]:
    said = form.get("pairs")
    if not said:
        return {}
    try:
        found = _PAIRS.validate_json(said if isinstance(said, str) else "")
    except ValidationError as error:
        raise pair_wrong(first_fault(error)) from error
    return {name: Half(one.id, one.side) for name, one in found.items()}


def _shape(results: list[Result], language: str) -> BatchShape:
    accepted = sum(result.prediction is not None for result in results)
    return BatchShape(
        accepted=accepted,
        refused=len(results) - accepted,
        items=[_result(result, language) for result in results],
    )


def _result(result: Result, language: str) -> ResultShape:
    problem = result.problem
    return ResultShape(
        file=result.file,
        prediction=shape(result.prediction, language) if result.prediction else None,
        failure=problem
        and FailureShape(
            code=problem.code,
            status=problem.status,
            detail=translate(language, problem.message, **problem.values),
        ),
    )
