"""The workbench of an application: tray, stage, findings."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response

from atisbo.domain.applications import Application, names
from atisbo.domain.cards import Card
from atisbo.domain.consents import SHARING
from atisbo.domain.forms import ReviewField
from atisbo.domain.images import ACCEPTED_MEDIA_TYPES
from atisbo.errors import NotFound
from atisbo.services import consents, predictions
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, MaybeActor, State, protect
from atisbo.web.pages import guides
from atisbo.web.pages.cards import called, how_good, record

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])
_SIDE_BY_SIDE: Final = 3
ACCEPT: Final = ",".join((*ACCEPTED_MEDIA_TYPES, ".tif", ".tiff", ".bmp", ".webp"))


@router.get("")
def workbench(request: Request, application: str, db: Db, actor: CurrentActor, state: AppState) -> Response:
    begun = predictions.begun(db, actor, application=application)
    return _page(request, state, application, None, agreed=consents.agreed(db, actor), begun=begun)


@router.get("/samples/{file}")
def sample(application: str, file: str, _actor: MaybeActor, state: AppState) -> Response:
    """The bytes of a picture that came with the application."""
    asked, _ = state.application(application)
    if file not in {sample.file for sample in asked.samples}:
        raise NotFound("sample_unknown", "There is no such sample picture.")
    return FileResponse(asked.folder / "samples" / file, headers=guides.PICTURE_HEADERS)


@router.get("/{prediction_id:uuid}")
def selected(
    request: Request, application: str, prediction_id: UUID, db: Db, actor: CurrentActor, state: AppState
) -> Response:
    view = predictions.get(db, actor, prediction_id=prediction_id)
    if view.application != application:
        raise NotFound("prediction_unknown", "There is no such prediction, or it has been deleted.")
    return _page(request, state, application, view.id, agreed=consents.agreed(db, actor))


def _page(
    request: Request, state: State, name: str, selected: UUID | None, *, agreed: bool, begun: bool = True
) -> Response:
    application, card = state.application(name)
    language = render.language_of(request)
    return render.page(
        request,
        "workbench.html",
        name=application.name,
        title=application.title.in_(language),
        summary=application.summary.in_(language),
        guide=guides.address(application),
        selected=selected,
        agreed=agreed,
        begun=begun,
        samples=_samples(application, language),
        sources=" · ".join(sorted({sample.source for sample in application.samples})),
        consent=application.consent.text.in_(language) if application.consent else "",
        alike=application.similar if card.output.embedding is not None else "",
        sharing=SHARING.text.in_(language),
        sharing_version=SHARING.version,
        consent_version=application.consent.version if application.consent else None,
        max_bytes=state.settings.max_upload_bytes,
        accept=ACCEPT,
        record=record(card, language),
        right=how_good(application, card, language) if card.task == "classification" else [],
        task=card.task,
        form=_form(application, card, language),
        labels={name: called(application, name, language) for name in names(card)},
        outlines=card.task == "segmentation" or card.structures is not None,
        positive=card.output.positive or "",
        layers=(card.structures.output if card.structures else card.output).labels,
        histogram=application.input.histogram,
        pair=application.pair.offer.in_(language) if application.pair else "",
        pair_title=application.pair.title.in_(language) if application.pair else "",
        pair_field=application.pair.field if application.pair else "",
        region=application.input.region,
        markable=application.input.region == "square"
        or (application.input.histogram and application.input.region == "free"),
        region_required=application.input.region_required,
        find=application.input.find.offer.in_(language) if application.input.find else "",
        region_hint=application.input.hint.in_(language) if application.input.hint else "",
    )


def _form(application: Application, card: Card, language: str) -> dict[str, Any]:
    """What a review can say: the labels, and the questions of the application; few choices are shown side by side."""
    labels = [{"value": label, "label": sentence(called(application, label, language))} for label in card.output.labels]
    return {"labels": labels, "fields": [_field(field, language) for field in application.review.fields]}


def _field(field: ReviewField, language: str) -> dict[str, Any]:
    return {
        **{name: getattr(field, name) for name in ("name", "type", "required", "min", "max", "whole", "unit")},
        "label": field.label.in_(language),
        "help": field.help.in_(language) if field.help else "",
        "choices": [{"value": choice.value, "label": choice.label.in_(language)} for choice in field.choices],
        "chips": 0 < len(field.choices) <= _SIDE_BY_SIDE,
        "max_length": field.max_length,
    }


def sentence(text: str) -> str:
    """With a capital at the beginning; the rest as it is."""
    return text[:1].upper() + text[1:]


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
