"""Taking everything of one's own along, and leaving."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from atisbo.errors import Invalid, NotSignedIn
from atisbo.services import erasure, mine
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(tags=["account"])


class Farewell(Body):
    password: str = Field(max_length=200)


@router.get(
    "/me/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "A ZIP; README.en.txt says what is in it"}},
)
def export(state: AppState, actor: CurrentActor) -> StreamingResponse:
    """All that is kept of oneself: account, consents, reviews, images, answers."""
    headers = {"Content-Disposition": 'attachment; filename="atisbo.zip"'}
    return StreamingResponse(mine.export(state.workplace, actor), media_type="application/zip", headers=headers)


@router.post("/me/deletion", status_code=204)
def erase(body: Farewell, request: Request, db: Db, state: AppState, actor: CurrentActor) -> Response:
    """Delete one's account with all images, answers, reviews and consents. This cannot be undone."""
    try:
        with state.sign_in_pace.attempt(actor.email, request):
            erasure.erase(db, actor, password=body.password)
    except NotSignedIn as error:
        raise Invalid(error.code, error.message) from error
    return Response(status_code=204)
