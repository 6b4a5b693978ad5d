"""How the service is doing, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from atisbo.services import system
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages import manage
from atisbo.web.pages.forms import see
from atisbo.web.render import Translate

router = APIRouter(prefix="/manage/system", include_in_schema=False, dependencies=[Depends(protect)])


@router.get("")
def page(request: Request, db: Db, actor: CurrentActor, state: AppState, done: str = "") -> Response:
    _ = render.translator(request)
    said = system.report(db, actor, state.settings)
    return manage.page(
        request,
        actor,
        "manage/system.html",
        system=said,
        kind_words=kinds(_),
        megabyte=1024**2,
        gigabyte=1024**3,
        said=_("It is being done again.") if done else "",
    )


@router.post("/failed/retry")
def retry_all(db: Db, actor: CurrentActor) -> Response:
    system.retry(db, actor)
    return see("/manage/system?done=retry")


@router.post("/failed/{job_id}/retry")
def retry(db: Db, actor: CurrentActor, job_id: Annotated[int, Path(ge=1, lt=2**62)]) -> Response:
    system.retry(db, actor, job_id=job_id)
    return see("/manage/system?done=retry")


def kinds(_: Translate) -> dict[str, str]:
    """Kinds of work and of files; one that has no words here is shown as it is called."""
    return {
        "predict": _("Answers"),
        "render": _("Pictures for people"),
        "erase": _("Erasing"),
        "sweep": _("Removing old outlines"),
        "tidy": _("Tidying up"),
        "correct": _("Corrected outlines"),
        "compare": _("Comparing outlines"),
        "embed": _("Similar pictures"),
        "learn": _("Training"),
        "evaluate": _("Judging"),
        "prove": _("Trying out versions"),
        "snapshot": _("Making datasets"),
        "deliver": _("Webhooks"),
        "map": _("Maps"),
        "take_out": _("Taking out pictures"),
        "discard": _("Removing what was erased"),
        "explain": _("Heat maps"),
        "find": _("Finding the part that matters"),
        "shadow": _("Silent candidates"),
        "try": _("Trying pictures without an account"),
        "announce": _("Notices"),
        "tensors": _("Tensors"),
        "database": _("Database"),
        "originals": _("Originals"),
        "derived": _("Outlines and pictures made of them"),
        "pictures": _("Pictures of datasets"),
        "masks": _("Masks"),
        "outlines": _("Outlines"),
        "networks": _("Networks"),
        "evaluations": _("Judgements"),
        "collections": _("Collections"),
    }
