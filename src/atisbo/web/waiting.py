"""Waiting for what a worker does, without holding a thread or a database connection."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Set
from typing import TypeVar
from uuid import UUID

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.errors import AtisboError, Unavailable
from atisbo.services import pictures, predictions, views
from atisbo.services.predictions import PredictionView
from atisbo.web.deps import in_transaction, state_of
from atisbo.web.live import Event

T = TypeVar("T")
HEARTBEAT_S = 15.0
TELLING_S = 0.8
"""Whether the reader of a stream is still signed in is asked again before it is told something after so long, ..."""
SILENT_S = 30.0
"""... and after so long where there is nothing to tell."""
RENDER_PATIENCE_S = 15.0


async def current(request: Request, prediction_id: UUID) -> PredictionView:
    """The prediction as it is now, for the request's actor."""
    return await in_transaction(
        request, lambda session, actor: predictions.get(session, actor, prediction_id=prediction_id)
    )


async def finished(request: Request, actor: Actor, view: PredictionView, patience_s: float) -> PredictionView:
    """A prediction that ``actor`` has just made, once it is finished, or as it is when patience ends (seconds) or the
    process does."""
    deadline = time.monotonic() + patience_s
    workplace, hub = state_of(request).workplace, state_of(request).hub

    def look(session: Session) -> PredictionView:
        return predictions.get(session, actor, prediction_id=view.id)

    with hub.listening(prediction_id=view.id) as queue:
        while not view.status.finished and not hub.stopping.is_set():
            try:
                event = await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return await run_in_threadpool(workplace.within, look)
            if event.status != "running":
                view = await run_in_threadpool(workplace.within, look)
    return view


async def picture(request: Request, prediction_id: UUID, view: str) -> bytes:
    """A picture of a prediction, waiting while a worker makes it.

    Raises:
        Unavailable: it was not made in time.
    """
    blobs = state_of(request).blobs
    return await _rendered(
        request,
        prediction_id,
        lambda session, actor: views.read(session, actor, blobs=blobs, prediction_id=prediction_id, view=view),
    )


async def found_picture(request: Request, picture_id: UUID, view: pictures.View) -> bytes:
    """The same of a picture that a search can find."""
    blobs = state_of(request).blobs
    return await _rendered(
        request,
        picture_id,
        lambda session, actor: pictures.read(session, actor, blobs=blobs, picture_id=picture_id, view=view),
    )


async def _rendered(request: Request, prediction_id: UUID, read: Callable[[Session, Actor], bytes | None]) -> bytes:
    data = await made(
        request,
        prediction_id,
        read,
        ready=lambda data: data is not None,
        words={views.RENDERED, "failed"},
        patience_s=RENDER_PATIENCE_S,
    )
    if data is None:
        raise pending()
    return data


def pending() -> Unavailable:
    return Unavailable("view_pending", "The picture is still being prepared. Try again shortly.")


async def made(
    request: Request,
    prediction_id: UUID,
    look: Callable[[Session, Actor], T],
    *,
    ready: Callable[[T], bool],
    words: Set[str],
    patience_s: float,
) -> T:
    """What a worker makes of a prediction, once it is ``ready``, or as it is when patience ends (seconds).

    Args:
        words: looks again when one of these is said of the prediction.
    """
    with state_of(request).hub.listening(prediction_id=prediction_id) as queue:
        found = await in_transaction(request, look)
        deadline = time.monotonic() + patience_s
        while not ready(found):
            try:
                event = await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                break
            if event.status in words or event.status == "refresh":
                found = await in_transaction(request, look)
    return found


def message(event: str, data: object) -> str:
    """One server-sent event (WHATWG HTML, section 9.2)."""
    return f"event: {event}\ndata: {json.dumps(data, default=str)}\n\n"


async def stream(
    request: Request, queue: asyncio.Queue[Event], pulse_s: float = HEARTBEAT_S
) -> AsyncIterator[Event | None]:
    """Events as they come, None after ``pulse_s`` without one, until the reader leaves, is signed out, or the service
    stops.
    """
    state = state_of(request)
    asked = time.monotonic()
    while not state.hub.stopping.is_set() and not await request.is_disconnected():
        try:
            event = await asyncio.wait_for(queue.get(), pulse_s)
        except TimeoutError:
            event = None
        if time.monotonic() - asked > (SILENT_S if event is None else TELLING_S):
            if not await _still_known(request):
                return
            asked = time.monotonic()
        yield event


async def _still_known(request: Request) -> bool:
    try:
        return await state_of(request).knows(request)
    except AtisboError:
        return False
