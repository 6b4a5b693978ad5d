"""What an answer rests on."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from atisbo.domain.heatmaps import State
from atisbo.i18n import translate
from atisbo.services import heatmaps
from atisbo.web.deps import state_of
from atisbo.web.render import language_of
from atisbo.web.waiting import made, pending

router = APIRouter(tags=["predictions"])
_PATIENCE_S = 30.0
_LONG_PATIENCE_S = 60.0


class HeatmapShape(BaseModel):
    state: State
    """`pending`: ask again; `ready`: `picture` is there; `flat` and `outdated`: there is none, `detail` says why."""
    label: str
    """The class whose probability was watched: that of the answer."""
    largest_drop: float | None
    """By how much the log-odds of the label fell at most, when one part of the picture was hidden."""
    detail: str | None
    picture: str | None


@router.get("/predictions/{prediction_id}/heatmap")
async def facts(prediction_id: UUID, request: Request) -> HeatmapShape:
    """Where hiding the picture weakens the answer most, in words; asks for it and waits a while."""
    blobs = state_of(request).blobs
    heatmap = await made(
        request,
        prediction_id,
        lambda session, actor: heatmaps.get(session, actor, blobs=blobs, prediction_id=prediction_id),
        ready=lambda heatmap: heatmap.state is not State.PENDING,
        words={heatmaps.EXPLAINED},
        patience_s=_PATIENCE_S,
    )
    absence = heatmaps.absence(heatmap) if heatmap.state in (State.FLAT, State.OUTDATED) else None
    return HeatmapShape(
        **heatmap.model_dump(),
        detail=translate(language_of(request), absence.message) if absence else None,
        picture=f"/api/v1/predictions/{prediction_id}/heatmap.png" if heatmap.state is State.READY else None,
    )


@router.get(
    "/predictions/{prediction_id}/heatmap.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}}},
)
async def picture(prediction_id: UUID, request: Request) -> Response:
    """Where hiding the picture weakens the answer most: transparent where it does not, then viridis up to yellow.

    To be laid over the region that was analysed, or over the whole picture where none was marked; at most 768 pixels.
    """
    blobs = state_of(request).blobs
    data = await made(
        request,
        prediction_id,
        lambda session, actor: heatmaps.picture(session, actor, blobs=blobs, prediction_id=prediction_id),
        ready=lambda data: data is not None,
        words={heatmaps.EXPLAINED},
        patience_s=_LONG_PATIENCE_S,
    )
    if data is None:
        raise pending()
    headers = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}
    return Response(data, media_type="image/png", headers=headers)
