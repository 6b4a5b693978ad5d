"""Training runs: start one, watch it, end it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from atisbo.domain.runs import Overrides, State
from atisbo.errors import AtisboError
from atisbo.i18n import translate
from atisbo.services import recipes, runs
from atisbo.services.runs import RunView
from atisbo.web.api.events import sse
from atisbo.web.api.shapes import Body, FailureShape
from atisbo.web.deps import AppState, CurrentActor, Db, in_transaction
from atisbo.web.render import language_of
from atisbo.web.waiting import message, stream

router = APIRouter(prefix="/runs", tags=["runs"])


class Asked(Body):
    application: str = Field(max_length=60)
    dataset_id: UUID
    recipe: str = Field(max_length=80)
    """One of `GET /runs/recipes`."""
    overrides: Overrides = Overrides()
    from_active: bool | None = None
    """Go on from the weights of the active version; by itself where the recipe begins with weights of a file."""


class RunShape(BaseModel):
    id: UUID
    application: str
    dataset_id: UUID
    dataset: dict[str, Any]
    recipe_name: str
    recipe: dict[str, Any]
    start: str | None
    state: State
    stop: bool
    epoch: int
    epochs: int
    curves: dict[str, dict[str, list[float]]]
    log: str
    failure: FailureShape | None
    version_id: UUID | None
    version: str | None
    worker: str
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    links: dict[str, str]


class RecipeShape(BaseModel):
    name: str
    summary: str
    epochs: int
    from_file: bool
    """It begins with weights of a file; a run goes on from the active version instead."""


def shape(view: RunView, language: str) -> RunShape:
    base, failure = f"/api/v1/runs/{view.id}", view.failure
    said = failure and FailureShape(
        code=failure.code, status=422, detail=translate(language, failure.message, **failure.values_in(language))
    )
    links = {"self": base, "events": f"{base}/events", "cancellation": f"{base}/cancellation"}
    if view.version_id is not None:
        links["version"] = f"/api/v1/models/{view.version_id}"
    return RunShape(**(vars(view) | {"failure": said}), epoch=view.epoch, epochs=view.epochs, links=links)


@router.post("", status_code=202)
def start(asked: Asked, request: Request, response: Response, db: Db, actor: CurrentActor, state: AppState) -> RunShape:
    """Have a network trained; `events` tells how it goes, and a finished run is submitted as a version."""
    application, card = state.application(asked.application)
    view = runs.start(
        db,
        actor,
        application=application,
        card=card,
        dataset_id=asked.dataset_id,
        recipe=asked.recipe,
        overrides=asked.overrides,
        from_active=asked.from_active,
    )
    response.headers["Location"] = f"/api/v1/runs/{view.id}"
    return shape(view, language_of(request))


@router.get("")
def list_runs(
    request: Request, db: Db, actor: CurrentActor, application: Annotated[str | None, Query(max_length=60)] = None
) -> list[RunShape]:
    """The newest hundred."""
    language = language_of(request)
    return [shape(view, language) for view in runs.list_(db, actor, application=application)]


@router.get("/recipes")
def list_recipes(
    _: CurrentActor, state: AppState, application: Annotated[str, Query(max_length=60)]
) -> list[RecipeShape]:
    """Those that answer the application's question."""
    plain = ("name", "summary", "epochs", "from_file")
    found = recipes.fitting(*state.application(application))
    return [RecipeShape(**{name: getattr(one, name) for name in plain}) for one in found]


@router.get("/{run_id}")
def get(run_id: UUID, request: Request, db: Db, actor: CurrentActor) -> RunShape:
    return shape(runs.get(db, actor, run_id=run_id), language_of(request))


@router.post("/{run_id}/cancellation", status_code=202)
def cancel(run_id: UUID, request: Request, db: Db, actor: CurrentActor) -> RunShape:
    """End it; a worker that has it in hand stops after its present step."""
    return shape(runs.cancel(db, actor, run_id=run_id), language_of(request))


@router.get("/{run_id}/events", response_class=StreamingResponse)
async def events(run_id: UUID, request: Request, state: AppState) -> StreamingResponse:
    """The run now and at every change, until it is over."""
    language = language_of(request)

    async def current() -> RunView:
        return await in_transaction(request, lambda session, actor: runs.get(session, actor, run_id=run_id))

    await current()

    async def body() -> AsyncIterator[str]:
        with state.hub.listening(prediction_id=run_id) as queue:
            view = await current()
            yield message("run", shape(view, language).model_dump(mode="json"))
            if view.state.over:
                return
            async for event in stream(request, queue):
                if event is None:
                    yield ": still here\n\n"
                    continue
                try:
                    view = await current()
                except AtisboError:
                    return
                yield message("run", shape(view, language).model_dump(mode="json"))
                if view.state.over:
                    return

    return sse(body())
