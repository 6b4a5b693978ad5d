"""Pictures and outlines of a prediction."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from atisbo.services import outlines
from atisbo.services.views import MEDIA_TYPES
from atisbo.web.deps import CurrentActor, Db
from atisbo.web.render import language_of
from atisbo.web.waiting import picture

router = APIRouter(tags=["predictions"])
View = Literal["mask.png", "overlay.png", "layers.png", "crop.png", "preview.jpg", "thumbnail.jpg"]


@router.get(
    "/predictions/{prediction_id}/contours",
    responses={200: {"description": "A GeoJSON-like FeatureCollection in the original's pixels, y down"}},
)
def contours(prediction_id: UUID, db: Db, actor: CurrentActor) -> dict[str, Any]:
    """The outline of each region as polygons: the outer ring first, then holes."""
    return outlines.get(db, actor, prediction_id=prediction_id)


@router.get(
    "/predictions/{prediction_id}/report.pdf",
    response_class=Response,
    responses={200: {"content": {"application/pdf": {}}}},
)
async def report(prediction_id: UUID, request: Request) -> Response:
    """One page to print or file, in the reader's language: pictures, findings, the network's limits."""
    view = f"report.{language_of(request)}.pdf"
    data = await picture(request, prediction_id, view)
    headers = {
        "Cache-Control": "private, no-cache",
        "Vary": "Accept-Language, Cookie",
        "Content-Disposition": f'inline; filename="atisbo-{prediction_id}.pdf"',
    }
    return Response(data, media_type=MEDIA_TYPES[view], headers=headers)


@router.get(
    "/predictions/{prediction_id}/{view}",
    response_class=Response,
    responses={200: {"content": {"image/png": {}, "image/jpeg": {}}}},
)
async def view(prediction_id: UUID, view: View, request: Request) -> Response:
    """`mask.png`: single channel, the original's size, 0 where nothing is outlined; 255, or with several labels a grey
    for each (two labels: 128 and 255). `layers.png`: the same with a bit for each label, as corrected masks have it.
    Re-encoded, without the original's metadata.
    """
    data = await picture(request, prediction_id, view)
    headers = {"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"}
    return Response(data, media_type=MEDIA_TYPES[view], headers=headers)
