"""Server-sent events: results arrive by themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from atisbo.errors import AtisboError
from atisbo.services import waiting
from atisbo.services.heatmaps import EXPLAINED
from atisbo.services.notices import NOTICED
from atisbo.services.regions import PROPOSED
from atisbo.services.views import RENDERED
from atisbo.services.waiting import Place
from atisbo.web.api.shapes import shape
from atisbo.web.deps import AppState, State, in_transaction
from atisbo.web.render import language_of
from atisbo.web.waiting import current, message, stream

router = APIRouter(tags=["predictions"])
PULSE_S: Final = 2.0
"""How often places in the queue are looked at, while anything moves."""
_NOT_FOR_LISTS = frozenset({RENDERED, EXPLAINED, PROPOSED})
"""Only whoever waits for a picture or a proposal wants to hear that it is there."""
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_STILL_HERE = ": still here\n\n"


def sse(body: AsyncIterator[str]) -> StreamingResponse:
    """An event stream that no proxy holds back."""
    return StreamingResponse(body, media_type="text/event-stream", headers=_HEADERS)


class _Pulse:
    """Whether anything has happened in the queue since the last look."""

    def __init__(self, state: State) -> None:
        self._hub = state.hub
        self._heard = state.hub.heard

    def moved(self) -> bool:
        before, self._heard = self._heard, self._hub.heard
        return self._heard != before


@router.get("/predictions/{prediction_id}/events", response_class=StreamingResponse)
async def of_one(prediction_id: UUID, request: Request, state: AppState) -> StreamingResponse:
    """The prediction now, at every change and whenever its place in the queue moves, until it is finished."""
    await current(request, prediction_id)
    language = language_of(request)

    async def body() -> AsyncIterator[str]:
        with state.hub.listening(prediction_id=prediction_id) as queue:
            pulse = _Pulse(state)
            view = await current(request, prediction_id)
            yield message("prediction", shape(view, language).model_dump(mode="json"))
            if view.status.finished:
                return
            async for event in stream(request, queue, PULSE_S):
                if event is None and not pulse.moved():
                    yield _STILL_HERE
                    continue
                before = view
                try:
                    view = await current(request, prediction_id)
                except AtisboError:
                    return
                if event is None and view == before:
                    continue
                yield message("prediction", shape(view, language).model_dump(mode="json"))
                if view.status.finished:
                    return

    return sse(body())


@router.get("/events", response_class=StreamingResponse)
async def of_mine(request: Request, state: AppState) -> StreamingResponse:
    """``prediction`` with id and status for each change of one's own; ``queue`` with the place of each that waits,
    when places have moved; ``notice`` when there is a new one; ``refresh`` when some events may have been missed.
    """
    owner_id = await in_transaction(request, lambda _, actor: actor.user_id)

    async def body() -> AsyncIterator[str]:
        with state.hub.listening(owner_id=owner_id) as queue:
            pulse, places = _Pulse(state), dict[UUID, Place]()
            yield "retry: 2000\n\n"
            async for event in stream(request, queue, PULSE_S):
                if event is None:
                    before = places
                    places = await in_transaction(request, waiting.mine) if pulse.moved() else places
                    yield _queue(places) if places != before else _STILL_HERE
                elif event.status == NOTICED:
                    yield message("notice", {})
                elif event.status == "refresh":
                    yield message("refresh", {})
                elif event.status.partition(" ")[0] not in _NOT_FOR_LISTS:
                    yield message("prediction", {"id": event.prediction_id, "status": event.status})

    return sse(body())


def _queue(places: dict[UUID, Place]) -> str:
    return message("queue", {str(one): vars(place) for one, place in places.items()})
