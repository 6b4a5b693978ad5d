"""The guide of an application, with its pictures."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from atisbo.domain import guides
from atisbo.domain.applications import Application
from atisbo.errors import NotFound
from atisbo.web import render
from atisbo.web.deps import AppState, MaybeActor, protect
from atisbo.web.guides import render as rendered
from atisbo.web.render import Translate

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])
PICTURE_HEADERS = {"Cache-Control": "private, max-age=86400"}


@router.get("/guide")
def guide(request: Request, application: str, _actor: MaybeActor, state: AppState) -> Response:
    asked, _ = state.application(application)
    if not asked.guide:
        raise NotFound("guide_unknown", "This application has no guide.")
    language = render.language_of(request)
    return render.page(
        request,
        "guide.html",
        name=asked.name,
        application_title=asked.title.in_(language),
        guide=rendered(guides.read(asked.folder, language), _words(render.translator(request))),
    )


@router.get("/guide/{file}")
def picture(application: str, file: str, _actor: MaybeActor, state: AppState) -> Response:
    """A picture of the guide, as it lies beside it."""
    asked, _ = state.application(application)
    address = guides.picture(asked.folder, file) if asked.guide else None
    if address is None:
        raise NotFound("picture_unknown", "There is no such picture in the guide.")
    return FileResponse(address, headers=PICTURE_HEADERS)


def address(application: Application) -> str:
    """Where the guide is; empty if there is none."""
    return f"/a/{application.name}/guide" if application.guide else ""


def _words(_: Translate) -> dict[str, str]:
    return {"right": _("Like this"), "wrong": _("Not like this")}
