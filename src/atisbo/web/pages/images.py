"""My images: look through them, delete them."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from atisbo.domain.predictions import Status
from atisbo.services import deletions, images, lineage, predictions, reviews
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages.forms import see
from atisbo.web.render import Translate

router = APIRouter(prefix="/images", include_in_schema=False, dependencies=[Depends(protect)])
PAGE_SIZE = 24
_REVIEWED: Final = {"yes": True, "no": False}
Word = Annotated[str, Query(max_length=60)]


@router.get("")
def my_images(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    application: Word = "",
    status: Word = "",
    reviewed: Word = "",
    before: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    _ = render.translator(request)
    wanted = {
        "application": application if application in state.applications else "",
        "status": status if status in set(Status) else "",
        "reviewed": reviewed if reviewed in _REVIEWED else "",
    }
    page = predictions.list_(
        db,
        actor,
        application=wanted["application"] or None,
        status=Status(wanted["status"]) if wanted["status"] else None,
        reviewed=_REVIEWED.get(wanted["reviewed"]),
        limit=PAGE_SIZE,
        before=before,
    )
    return render.page(
        request,
        "images.html",
        items=page.items,
        reviewed=reviews.mine(db, actor, prediction_ids=[item.id for item in page.items]),
        next=_query(wanted, before=page.next) if page.next else "",
        wanted=wanted,
        filtered=any(wanted.values()),
        states=_states(wanted, _),
        status_words=render.status_words(_),
        deleted=deletions.recent(db, actor, kind=deletions.Kind.IMAGE),
    )


def _states(wanted: dict[str, str], _: Translate) -> list[dict[str, str]]:
    """A link for each state, keeping what else was chosen."""
    words = {"": _("All")} | render.status_words(_)
    return [{"status": status, "word": word, "query": _query(wanted, status=status)} for status, word in words.items()]


def _query(wanted: dict[str, str], **more: str) -> str:
    return urlencode({name: value for name, value in (wanted | more).items() if value})


@router.get("/{image_id}/deletion")
def ask_before_deleting(request: Request, db: Db, actor: CurrentActor, image_id: UUID) -> Response:
    uses = lineage.of_image(db, actor, image_id=image_id)
    return render.page(request, "deletion.html", image_id=image_id, uses=uses)


@router.post("/{image_id}/deletion")
def delete(db: Db, actor: CurrentActor, image_id: UUID) -> Response:
    images.delete(db, actor, image_id=image_id)
    return see("/images")
