"""What is installed, and its samples."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application, names
from atisbo.domain.cards import Card
from atisbo.errors import NotFound
from atisbo.services import asking, versions
from atisbo.services.asking import Upload
from atisbo.web.api.predictions import Asked, answer, read_region
from atisbo.web.deps import AppState, CurrentActor, Db, in_transaction
from atisbo.web.render import language_of

router = APIRouter(tags=["applications"])


class ApplicationShape(BaseModel):
    name: str
    task: str
    title: str
    summary: str
    intended_use: str
    region: str
    region_required: bool
    labels: tuple[str, ...]
    words: dict[str, str]
    """What labels, structures and ratios are called in the reader's language."""
    version: str
    samples: tuple[str, ...]


def _shape(application: Application, card: Card, language: str) -> ApplicationShape:
    return ApplicationShape(
        name=application.name,
        task=application.task,
        title=application.title.in_(language),
        summary=application.summary.in_(language),
        intended_use=application.intended_use.in_(language),
        region=application.input.region,
        region_required=application.input.region_required,
        labels=card.output.labels,
        words={name: application.word(name, language) for name in names(card)},
        version=card.version,
        samples=tuple(sample.file for sample in application.samples),
    )


@router.get("/applications")
def list_applications(request: Request, state: AppState, _: CurrentActor) -> list[ApplicationShape]:
    language = language_of(request)
    return [_shape(application, card, language) for application, card in state.applications.values()]


@router.get("/applications/{application}")
def get(application: str, request: Request, state: AppState, _: CurrentActor) -> ApplicationShape:
    return _shape(*state.application(application), language_of(request))


@router.get("/applications/{application}/card")
def card(application: str, state: AppState, _: CurrentActor) -> dict[str, Any]:
    """Everything known of the active version: input, labels, threshold, lineage, measured quality."""
    return state.application(application)[1].model_dump(mode="json")


@router.get("/applications/{application}/versions/{version}/card")
def card_of_version(application: str, version: str, db: Db, actor: CurrentActor) -> dict[str, Any]:
    """The card of a version that answers or has answered, by the name that its predictions give."""
    return versions.card(db, actor, application=application, name=version).model_dump(mode="json")


@router.post(
    "/applications/{application}/samples/{file}/predictions",
    status_code=202,
    response_model=None,
    tags=["predictions"],
)
async def try_sample(
    application: str,
    file: str,
    request: Request,
    state: AppState,
    region: Annotated[str | None, Query(description="JSON {x, y, width, height} in the picture's pixels")] = None,
    prefer: Annotated[str, Header()] = "",
) -> Response:
    """Ask about one of the pictures that came with the application; without `region` its own one is used."""

    def work(session: Session, actor: Actor) -> Asked:
        asked, _ = state.application(application)
        sample = next((s for s in asked.samples if s.file == file), None)
        if sample is None:
            raise NotFound("sample_unknown", "There is no such sample picture.")
        upload = Upload((asked.folder / "samples" / sample.file).read_bytes(), sample.file)
        part = read_region(region) or sample.region
        return actor, asking.ask(session, actor, blobs=state.blobs, application=asked, upload=upload, region=part)

    return await answer(request, *await in_transaction(request, work), prefer)
