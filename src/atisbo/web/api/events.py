"""Server-sent events: results arrive by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from atisbo.errors import AtisboError
from atisbo.services.corrections import CHECKED
from atisbo.services.views import RENDERED
from atisbo.web.api.shapes import shape
from atisbo.web.deps import AppState, in_transaction
from atisbo.web.render import language_of
from atisbo.web.waiting import current, message, stream

router = APIRouter(tags=["predictions"])
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def _sse(body: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(body, media_type="text/event-stream", headers=_HEADERS)


@router.get("/predictions/{prediction_id}/events", response_class=StreamingResponse)
async def of_one(prediction_id: UUID, request: Request, state: AppState) -> StreamingResponse:
    """The prediction now and at every change, until it is finished."""
    await current(request, prediction_id)
    language = language_of(request)

    async def body() -> AsyncIterator[str]:
        with state.hub.listening(prediction_id=prediction_id) as queue:
            view = await current(request, prediction_id)
            yield message("prediction", shape(view, language).model_dump(mode="json"))
            if view.status.finished:
                return
            async for event in stream(request, queue):
                if event is None:
                    yield ": still here\n\n"
                    continue
                try:
                    view = await current(request, prediction_id)
                except AtisboError:
                    return
                yield message("prediction", shape(view, language).model_dump(mode="json"))
                if view.status.finished:
                    return

    return _sse(body())


@router.get("/events", response_class=StreamingResponse)
async def of_mine(request: Request, state: AppState) -> StreamingResponse:
    """``prediction`` with id and status for each change of one's own; ``refresh`` when some may have been missed."""
    owner_id = await in_transaction(request, lambda _, actor: actor.user_id)

    async def body() -> AsyncIterator[str]:
        with state.hub.listening(owner_id=owner_id) as queue:
            yield "retry: 2000\n\n"
            async for event in stream(request, queue):
                if event is None:
                    yield ": still here\n\n"
                elif event.status == "refresh":
                    yield message("refresh", {})
                elif event.status not in (RENDERED, CHECKED):
                    yield message("prediction", {"id": event.prediction_id, "status": event.status})

    return _sse(body())
