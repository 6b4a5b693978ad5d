"""Versions of the networks: bringing one, reading them, saying which one answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile
from pydantic import BaseModel, Field, ValidationError

from atisbo.domain.access import Right
from atisbo.domain.cards import Card, first_fault
from atisbo.domain.versions import State
from atisbo.errors import Invalid
from atisbo.i18n import translate
from atisbo.services import activations, evaluations, shadows, versions
from atisbo.services.versions import Origin, VersionView
from atisbo.web.api.shapes import Body, FailureShape
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.render import language_of

router = APIRouter(prefix="/models", tags=["models"])


class VersionShape(BaseModel):
    id: UUID
    application: str
    version: str
    """The name that predictions give."""
    state: State
    origin: str
    """`folder`: installed with the application; `file`: brought by somebody; `run`: trained here."""
    run_id: UUID | None
    dataset_id: UUID | None
    parent: str | None
    note: str
    created_by: str | None
    created_at: datetime
    failure: FailureShape | None
    evaluation: dict[str, Any] | None
    shadow_since: datetime | None
    card: dict[str, Any]
    links: dict[str, str]


class Signature(Body):
    password: str = Field(max_length=2000)
    """One's own, entered again: the promotion is signed with it."""
    reason: str = Field(default="", max_length=2000)
    """Needed unless the version was found better than the active one on a sealed test set."""


class Judgement(Body):
    dataset_id: UUID


class ShadowShape(BaseModel):
    answers: int
    same: int
    worst: list[dict[str, Any]]


class ActivationShape(BaseModel):
    version_id: UUID
    version: str
    kind: str
    reason: str
    verdict: str | None
    by: str | None
    at: datetime


def shape(view: VersionView, language: str) -> VersionShape:
    failure, base = view.failure, f"/api/v1/models/{view.id}"
    plain = ("id", "application", "state", "origin", "run_id", "dataset_id", "parent", "note", "created_by")
    said = failure and FailureShape(
        code=failure.code,
        status=422,
        detail=translate(language, failure.message, **failure.values_in(language)),
    )
    return VersionShape(
        **{name: getattr(view, name) for name in (*plain, "created_at", "evaluation", "shadow_since")},
        version=view.name,
        failure=said,
        card=view.card.model_dump(mode="json"),
        links={"self": base, "activation": f"{base}/activation", "retirement": f"{base}/retirement"},
    )


@router.post("", status_code=202)
def submit(
    request: Request,
    response: Response,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    application: Annotated[str, Form(max_length=60)],
    card: Annotated[UploadFile, File(description="card.json")],
    model: Annotated[UploadFile, File(description="model.onnx")],
    note: Annotated[str, Form(max_length=2000)] = "",
) -> VersionShape:
    """Bring a version. It is `received` until a worker has tried the network against its card, in a closed room."""
    actor.require(Right.MANAGE_VERSIONS)
    asked, _ = state.application(application)
    read, network, origin = read_card(card.file.read()), model.file.read(), Origin(note=note)
    view = versions.submit(db, actor, blobs=state.blobs, application=asked, card=read, model=network, origin=origin)
    response.headers["Location"] = f"/api/v1/models/{view.id}"
    return shape(view, language_of(request))


def read_card(said: bytes) -> Card:
    """Raises Invalid: it is no card; the sentence names the field."""
    try:
        return Card.model_validate_json(said)
    except ValidationError as error:
        fault = first_fault(error)
        raise Invalid("card_unreadable", "The card could not be read. {fault}.", fault=fault) from error


@router.get("")
def list_versions(
    request: Request, db: Db, actor: CurrentActor, application: Annotated[str | None, Query(max_length=60)] = None
) -> list[VersionShape]:
    """Newest first within an application, the active one before all."""
    language = language_of(request)
    return [shape(view, language) for view in versions.list_(db, actor, application=application)]


@router.get("/activations")
def history(db: Db, actor: CurrentActor, application: Annotated[str, Query(max_length=60)]) -> list[ActivationShape]:
    """Which version answered from when on, by whom and why; newest first."""
    return [ActivationShape(**vars(one)) for one in activations.history(db, actor, application=application)]


@router.get("/{version_id}")
def get(version_id: UUID, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    return shape(versions.get(db, actor, version_id=version_id), language_of(request))


@router.post("/{version_id}/activation")
def activate(
    version_id: UUID, said: Signature, request: Request, db: Db, actor: CurrentActor, state: AppState
) -> VersionShape:
    """Let this version answer from now on."""
    with state.sign_in_pace.attempt(actor.email, request):
        view = activations.activate(db, actor, version_id=version_id, reason=said.reason, password=said.password)
    return shape(view, language_of(request))


@router.post("/{version_id}/rollback")
def roll_back(version_id: UUID, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    """Leave this active version for the one before it, which is the answer."""
    return shape(activations.rollback(db, actor, version_id=version_id), language_of(request))


@router.post("/{version_id}/evaluation", status_code=202)
def judge(version_id: UUID, said: Judgement, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    """Have a candidate judged against the active version, on the sealed test set of a dataset."""
    view = evaluations.ask(db, actor, version_id=version_id, dataset_id=said.dataset_id)
    return shape(view, language_of(request))


@router.get("/{version_id}/evaluation/{number}/{side}", response_class=Response)
def picture(
    version_id: UUID, number: int, side: Literal["first", "second"], db: Db, actor: CurrentActor, state: AppState
) -> Response:
    """What the active version (`first`) or the candidate (`second`) said of one of the pictures they differ in."""
    data = evaluations.picture(db, actor, blobs=state.blobs, version_id=version_id, number=number, side=side)
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=300"})


@router.post("/{version_id}/retirement")
def retire(version_id: UUID, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    """Put a candidate aside."""
    return shape(activations.retire(db, actor, version_id=version_id), language_of(request))


@router.put("/{version_id}/shadow")
def shadow(version_id: UUID, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    """Let a candidate answer live pictures in silence; another one of the application no longer does."""
    return shape(shadows.switch(db, actor, version_id=version_id, on=True), language_of(request))


@router.delete("/{version_id}/shadow")
def unshadow(version_id: UUID, request: Request, db: Db, actor: CurrentActor) -> VersionShape:
    return shape(shadows.switch(db, actor, version_id=version_id, on=False), language_of(request))


@router.get("/{version_id}/shadow")
def disagreements(version_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> ShadowShape:
    """How often the candidate said the same, and where it disagreed most."""
    found = shadows.read(db, actor, blobs=state.blobs, version_id=version_id)
    return ShadowShape(answers=found.answers, same=found.same, worst=[vars(one) for one in found.worst])
