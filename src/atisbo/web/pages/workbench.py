"""The workbench of an application: tray, stage, findings."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from atisbo.domain.applications import Application, names
from atisbo.domain.images import ACCEPTED_MEDIA_TYPES
from atisbo.errors import NotFound
from atisbo.services import consents, predictions
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, State, protect
from atisbo.web.pages import terms
from atisbo.web.pages.cards import called, record, right
from atisbo.web.pages.forms import see

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])
_ACCEPT: Final = ",".join((*ACCEPTED_MEDIA_TYPES, ".tif", ".tiff", ".bmp", ".webp"))


@router.get("")
def workbench(request: Request, application: str, db: Db, actor: CurrentActor, state: AppState) -> Response:
    state.application(application)
    if not consents.agreed(db, actor):
        return see(terms.address(request.url.path))
    return _page(request, state, application, None)


@router.get("/samples/{file}")
def sample(application: str, file: str, _actor: CurrentActor, state: AppState) -> Response:
    """The bytes of a picture that came with the application."""
    asked, _ = state.application(application)
    if file not in {sample.file for sample in asked.samples}:
        raise NotFound("sample_unknown", "There is no such sample picture.")
    headers = {"Cache-Control": "private, max-age=86400"}
    return FileResponse(asked.folder / "samples" / file, headers=headers)


@router.get("/{prediction_id:uuid}")
def selected(
    request: Request, application: str, prediction_id: UUID, db: Db, actor: CurrentActor, state: AppState
) -> Response:
    view = predictions.get(db, actor, prediction_id=prediction_id)
    if view.application != application:
        raise NotFound("prediction_unknown", "There is no such prediction, or it has been deleted.")
    return _page(request, state, application, view.id)


def _page(request: Request, state: State, name: str, selected: UUID | None) -> Response:
    application, card = state.application(name)
    language = render.language_of(request)
    return render.page(
        request,
        "workbench.html",
        name=application.name,
        title=application.title.in_(language),
        summary=application.summary.in_(language),
        selected=selected,
        samples=_samples(application, language),
        sources=" · ".join(sorted({sample.source for sample in application.samples})),
        consent=application.consent.text.in_(language) if application.consent else "",
        max_bytes=state.settings.max_upload_bytes,
        accept=_ACCEPT,
        record=record(card, language),
        right=right(application, card, language),
        labels={name: called(application, name, language) for name in names(card)},
        outlines=card.task == "segmentation" or card.structures is not None,
        positive=card.output.positive or "",
        layers=(card.structures.output if card.structures else card.output).labels,
        region=application.input.region,
        region_required=application.input.region_required,
        region_hint=application.input.hint.in_(language) if application.input.hint else "",
    )


def _samples(application: Application, language: str) -> list[dict[str, str]]:
    return [
        {
            "file": sample.file,
            "title": sample.title.in_(language),
            "address": f"/a/{application.name}/samples/{sample.file}",
            "region": sample.region.model_dump_json() if sample.region else "",
        }
        for sample in application.samples
    ]
