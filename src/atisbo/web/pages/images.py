"""My images: look through them, delete them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from atisbo.domain.predictions import Status
from atisbo.services import images, predictions
from atisbo.web import render
from atisbo.web.deps import CurrentActor, Db, protect
from atisbo.web.pages.forms import see

router = APIRouter(prefix="/images", include_in_schema=False, dependencies=[Depends(protect)])
PAGE_SIZE = 24


@router.get("")
def my_images(
    request: Request,
    db: Db,
    actor: CurrentActor,
    status: str = "",
    before: Annotated[str | None, Query(max_length=100)] = None,
    done: str = "",
) -> Response:
    _ = render.translator(request)
    chosen = Status(status) if status in set(Status) else None
    page = predictions.list_(db, actor, status=chosen, limit=PAGE_SIZE, before=before)
    following = {"before": page.next} | ({"status": chosen.value} if chosen else {})
    return render.page(
        request,
        "images.html",
        items=page.items,
        next=urlencode(following) if page.next else "",
        filter=chosen.value if chosen else "",
        status_words=render.status_words(_),
        said=_("The image and everything that came of it are deleted.") if done else "",
    )


@router.get("/{image_id}/deletion")
def ask_before_deleting(request: Request, _actor: CurrentActor, image_id: UUID) -> Response:
    return render.page(request, "deletion.html", image_id=image_id)


@router.post("/{image_id}/deletion")
def delete(db: Db, actor: CurrentActor, image_id: UUID) -> Response:
    images.delete(db, actor, image_id=image_id)
    return see("/images?done=deletion")
