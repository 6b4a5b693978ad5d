"""Correcting an outline."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.corrections import MaskState
from atisbo.services import corrections, reviews
from atisbo.services.reviews import ReviewView
from atisbo.web.api.reviews import ReviewShape, application_of, expected, shape, tagged
from atisbo.web.deps import AppState, CurrentActor, Db, in_transaction, state_of
from atisbo.web.render import language_of

router = APIRouter(tags=["reviews"], prefix="/predictions/{prediction_id}/review")
IfMatch = Annotated[str | None, Header(description="The `ETag` of the version you have read; `0`: none yet")]
_WAIT = re.compile(r"\bwait=(\d{1,2})\b")
_PNG: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.put("/mask", openapi_extra=_PNG)
async def put(
    prediction_id: UUID,
    request: Request,
    response: Response,
    state: AppState,
    if_match: IfMatch = None,
    prefer: Annotated[str, Header(description="`wait=N`: up to N seconds for the check")] = "",
) -> ReviewShape:
    """Send a corrected outline as a new version of one's review: a PNG of one channel with 8 bits, the original's size.

    Bit k of a pixel is layer k, in the order of the card's labels: with one label a pixel is 0 or 1; with two, 3 is in
    both. The bytes are stored as they come; a worker checks them, and `mask.state` says what it found.
    """
    data = await request.body()
    version = expected(if_match)

    def work(session: Session, actor: Actor) -> tuple[Actor, ReviewView]:
        _, card = state.application(application_of(session, actor, prediction_id))
        view = corrections.put(
            session,
            actor,
            blobs=state.blobs,
            card=card,
            prediction_id=prediction_id,
            data=data,
            expected=version,
        )
        return actor, view

    actor, view = await in_transaction(request, work)
    wait = _WAIT.search(prefer)
    if wait:
        view = await _checked(request, actor, view, float(wait[1]))
    return tagged(response, shape(view, state, language_of(request)))


async def _checked(request: Request, actor: Actor, view: ReviewView, patience_s: float) -> ReviewView:
    """The review once its mask was looked at, or as it is when patience ends (seconds)."""
    state = state_of(request)
    deadline = time.monotonic() + patience_s

    def look(session: Session) -> ReviewView:
        return reviews.get(session, actor, prediction_id=view.prediction_id)

    with state.hub.listening(prediction_id=view.prediction_id) as queue:
        view = await run_in_threadpool(state.workplace.within, look)
        while view.mask is not None and view.mask.state is MaskState.CHECKING:
            try:
                await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return view
            view = await run_in_threadpool(state.workplace.within, look)
    return view


@router.delete("/mask")
def remove(
    prediction_id: UUID,
    request: Request,
    response: Response,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    if_match: IfMatch = None,
) -> ReviewShape:
    """Take the corrected outline out of one's review, as a new version of it."""
    view = corrections.remove(db, actor, prediction_id=prediction_id, expected=expected(if_match))
    return tagged(response, shape(view, state, language_of(request)))


@router.get(
    "/mask.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
def read(
    prediction_id: UUID,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    author: Annotated[UUID | None, Query(description="Whose; one's own without it")] = None,
) -> Response:
    """The corrected outline as it is kept: one channel, the original's size, bit k for layer k."""
    data = corrections.read(db, actor, blobs=state.blobs, prediction_id=prediction_id, author_id=author)
    return Response(data, media_type="image/png", headers={"Content-Disposition": 'inline; filename="mask.png"'})
