"""Every image of an application, for curators and administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from atisbo.domain.access import Actor
from atisbo.services import gallery, gallery_archive
from atisbo.web.api.shapes import PredictionShape, shape
from atisbo.web.deps import AppState, CurrentActor, Db, State
from atisbo.web.render import language_of
from atisbo.web.sieve import Sieve, plain

router = APIRouter(tags=["gallery"])


class GalleryItem(BaseModel):
    prediction: PredictionShape
    owner_id: UUID
    verdicts: tuple[str, ...]
    """What people said of the answer: `right`, `wrong`, `unknown`."""


class GalleryPage(BaseModel):
    items: list[GalleryItem]
    next: str | None
    """Where to go on: `before` of the next request."""
    count: int
    """Of all that match; counting stops at 10,000."""


class GalleryQuery(Sieve):
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    before: Annotated[str | None, Field(max_length=100)] = None


class GalleryChoice(Sieve):
    """The images that match, of `chosen` alone if any are named."""

    model_config = ConfigDict(extra="forbid")  # what is misspelt must not delete more than was meant

    chosen: Annotated[tuple[UUID, ...], Field(max_length=1000)] = ()
    """Predictions."""
    expected: int | None = None
    """How many predictions matched when they were looked at: 412 if by now another number does."""


class Deleted(BaseModel):
    images: int
    undo: str
    """Address that brings them back."""


@router.get("/applications/{application}/images")
def list_images(
    application: str,
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    query: Annotated[GalleryQuery, Query()],
) -> GalleryPage:
    """Everybody's images with their answers, newest first."""
    wanted = query.wanted(state.application(application)[0].name)
    page = gallery.list_(db, actor, wanted=wanted, limit=query.limit, before=query.before)
    language = language_of(request)
    items = [
        GalleryItem(
            prediction=shape(item.prediction, language), owner_id=item.prediction.owner_id, verdicts=item.verdicts
        )
        for item in page.items
    ]
    return GalleryPage(items=items, next=page.next, count=page.count)


@router.post("/applications/{application}/images/deletion")
def delete_images(application: str, body: GalleryChoice, db: Db, actor: CurrentActor, state: AppState) -> Deleted:
    """Delete all that match, at most 1,000 at once, with answers, reviews and stored bytes. For a few minutes `DELETE`
    of the address in `undo` brings them back; then they are erased for good.
    """
    wanted = body.wanted(state.application(application)[0].name)
    count, deed = gallery.delete(db, actor, wanted=wanted, chosen=body.chosen, expected=body.expected)
    return Deleted(images=count, undo=f"/api/v1/deletions/{deed}")


@router.post(
    "/applications/{application}/images/archive",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}, "description": "A ZIP with a table, `images.csv`"}},
)
def archive_images(application: str, body: GalleryChoice, actor: CurrentActor, state: AppState) -> StreamingResponse:
    """Take along all that match, at most 10,000 at once: originals, masks, and a table without names of people."""
    return archive(state, actor, state.application(application)[0].name, body, body.chosen)


def archive(state: State, actor: Actor, application: str, sieve: Sieve, chosen: tuple[UUID, ...]) -> StreamingResponse:
    wanted = sieve.wanted(application)
    pieces = gallery_archive.archive(state.workplace, actor, wanted=wanted, chosen=chosen, said=plain(wanted))
    headers = {"Content-Disposition": f'attachment; filename="{application}.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
