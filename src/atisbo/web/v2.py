"""The Open Inference Protocol v2 for our own versions: tensors instead of pictures, and nothing is kept.

A model is an application; its versions are those of its network. ``pixels`` go in as the card says (fitted, RGB, not
normalised), probabilities come out. A worker answers; this process only passes bytes on.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from atisbo import __version__
from atisbo.domain.access import Actor
from atisbo.domain.predictions import Failure
from atisbo.domain.tensors import BINARY, HEADER_LENGTH, Message, Tensor, packed, size_of, unpacked
from atisbo.errors import Invalid, Unavailable
from atisbo.services import tensors
from atisbo.services.tensors import PIXELS, Given, Meant
from atisbo.web.api import PROBLEMS
from atisbo.web.deps import AppState, CurrentActor, Db, State, in_transaction, protect
from atisbo.web.health import readyz

router = APIRouter(prefix="/v2", tags=["open inference protocol"], dependencies=[Depends(protect)], responses=PROBLEMS)
PATIENCE_S: Final = 30.0
PLATFORM: Final = "atisbo"
"""Of models whose answers are probabilities already."""
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": {}},
    }
}
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The tensors, as JSON or as bytes after it",
        "content": {"application/json": {"schema": {"type": "object"}}, "application/octet-stream": {}},
    }
}


@router.get("")
async def server() -> dict[str, Any]:
    """Who answers here."""
    return {"name": "atisbo", "version": __version__, "extensions": [BINARY]}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    return {"live": True}


@router.get("/health/ready")
def server_ready(state: AppState) -> dict[str, bool]:
    """503 while the database is away."""
    readyz(state)
    return {"ready": True}


@router.get("/models/{model}")
@router.get("/models/{model}/versions/{version}")
def metadata(model: str, actor: CurrentActor, db: Db, state: AppState, version: str | None = None) -> dict[str, Any]:
    """What a version takes and gives."""
    asked = tensors.meant(db, actor, state.applications, model=model, version=version)
    height, width = asked.card.input.size
    outputs = tensors.answers(asked.card).items()
    return {
        "name": model,
        "versions": [asked.card.version],
        "platform": PLATFORM,
        "inputs": [{"name": PIXELS, "datatype": "UINT8", "shape": [-1, height, width, 3]}],
        "outputs": [{"name": name, "datatype": "FP32", "shape": shape} for name, shape in outputs],
    }


@router.get("/models/{model}/ready")
@router.get("/models/{model}/versions/{version}/ready")
def model_ready(model: str, actor: CurrentActor, db: Db, state: AppState, version: str | None = None) -> dict[str, Any]:
    """503 while no worker answers with it; a version that is not active is loaded when it is asked."""
    asked = tensors.meant(db, actor, state.applications, model=model, version=version)
    if asked.active and not tensors.ready(db, asked):
        raise Unavailable("model_away", "No worker answers with this network at the moment. Try again shortly.")
    return {"name": model, "ready": True}


@router.post("/models/{model}/infer", response_model=None, responses=_ANSWER, openapi_extra=_BODY)
@router.post("/models/{model}/versions/{version}/infer", response_model=None, responses=_ANSWER, openapi_extra=_BODY)
async def infer(model: str, request: Request, state: AppState, version: str | None = None) -> Response:
    """Probabilities for up to 32 pictures."""
    actor = await in_transaction(request, _admitted)
    with state.tensors_at_once.turn(actor.user_id):
        body, length = await request.body(), request.headers.get(HEADER_LENGTH)
        asked = await run_in_threadpool(unpacked, body, length, "inputs")

        def begin(session: Session) -> tuple[Meant, UUID]:
            wanted = tensors.meant(session, actor, state.applications, model=model, version=version)
            _check(asked, wanted)
            return wanted, tensors.begin(session, actor, wanted, asked.tensors)

        wanted, job = await run_in_threadpool(state.workplace.within, begin)
        given = await _given(state, job)
        return await run_in_threadpool(_answer, asked, model, wanted, given)


def _admitted(_session: Session, actor: Actor) -> Actor:
    tensors.admit(actor)
    return actor


def _check(asked: Message, wanted: Meant) -> None:
    """Raises Invalid: an output is asked for that the network does not have."""
    there = tensors.answers(wanted.card)
    for name in _outputs(asked) or there:
        if name not in there:
            raise Invalid(
                "output_unknown",
                "The network has no output {name}; it has {there}.",
                name=name[:100],
                there=", ".join(there),
            )


def _outputs(asked: Message) -> dict[str, bool]:
    """The outputs that are asked for, each with whether as bytes; none named: all."""
    every = bool(_parameters(asked.said).get("binary_data_output"))
    said = asked.said.get("outputs")
    named = [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []
    return {str(one.get("name")): bool(_parameters(one).get("binary_data", every)) for one in named}


def _parameters(said: dict[str, Any]) -> dict[str, Any]:
    found = said.get("parameters")
    return found if isinstance(found, dict) else {}


async def _given(state: State, job: UUID) -> Given:
    """Wait for a worker without holding a thread or a connection; afterwards nothing is left.

    Raises:
        Unavailable: no worker answered in time.
    """
    within = state.workplace.within
    deadline = time.monotonic() + PATIENCE_S
    try:
        with state.hub.listening(prediction_id=job) as queue:
            while True:
                given = await run_in_threadpool(within, lambda session: tensors.take(session, job))
                if given is not None:
                    return given
                await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
    except TimeoutError as error:
        raise Unavailable("tensors_late", "The network is busy at the moment. Try again shortly.") from error
    finally:
        await run_in_threadpool(within, lambda session: tensors.forget(session, job))


def _answer(asked: Message, model: str, wanted: Meant, given: Given) -> Response:
    """Raises Invalid or Unavailable: what the worker could not do."""
    if "failure" in given.said:
        failure = Failure.model_validate(given.said["failure"])
        raise Unavailable(failure.code, failure.message, **failure.values)
    named = _outputs(asked) or dict.fromkeys(
        tensors.answers(wanted.card), bool(_parameters(asked.said).get("binary_data_output"))
    )
    made, rest = [], memoryview(given.answer)
    for one in given.said["outputs"]:
        size = size_of("FP32", one["shape"])
        if one["name"] in named:
            made.append(Tensor(one["name"], "FP32", tuple(one["shape"]), bytes(rest[:size])))
        rest = rest[size:]
    said: dict[str, Any] = {"model_name": model, "model_version": given.said["version"]}
    if isinstance(asked.said.get("id"), str):
        said["id"] = asked.said["id"]
    body, headers = packed(said, made, "outputs", [name for name, binary in named.items() if binary])
    return Response(body, headers=headers)
