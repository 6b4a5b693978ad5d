"""Versions, for curators: which one answers, who wants its place, how the two compare, and the signature."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo import i18n
from atisbo.domain.access import Actor, Right
from atisbo.domain.datasets import Split
from atisbo.domain.versions import CANDIDATE, State, proves_better
from atisbo.errors import NotFound, UserError
from atisbo.services import activations, datasets, evaluations, shadows, versions
from atisbo.services.versions import Origin, VersionView
from atisbo.web import render
from atisbo.web.api.versions import read_card
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.deps import State as Doors
from atisbo.web.pages import manage
from atisbo.web.pages.cards import called
from atisbo.web.pages.comparison import compared, lost, origin_words, state_words
from atisbo.web.pages.forms import blame, see
from atisbo.web.render import translator

router = APIRouter(prefix="/manage/versions", include_in_schema=False, dependencies=[Depends(protect)])
Text = Annotated[str, Form(max_length=2000)]
_FIELDS = {"password_wrong": "password", "reason_needed": "reason"}


@router.get("")
def everything(request: Request, db: Db, actor: CurrentActor, state: AppState) -> Response:
    return _list(request, db, actor, state)


def _list(request: Request, db: Session, actor: Actor, state: Doors, *, status: int = 200, **context: Any) -> Response:
    _, language = translator(request), render.language_of(request)
    known: dict[str, list[VersionView]] = {name: [] for name in state.applications}
    for one in versions.list_(db, actor):
        known.setdefault(one.application, []).append(one)
    sections = [
        {
            "name": name,
            "title": state.applications[name][0].title.in_(language) if name in state.applications else name,
            "active": next((one for one in found if one.state is State.ACTIVE), None),
            "others": [one for one in found if one.state is not State.ACTIVE],
            "history": activations.history(db, actor, application=name)[:20],
        }
        for name, found in known.items()
    ]
    words = {"state_words": state_words(_), "origin_words": origin_words(_)}
    return manage.page(request, actor, "manage/versions.html", status=status, sections=sections, **words, **context)


@router.post("")
def bring(
    request: Request,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    card: Annotated[UploadFile, File()],
    model: Annotated[UploadFile, File()],
    application: Text = "",
    note: Text = "",
) -> Response:
    actor.require(Right.MANAGE_VERSIONS)
    try:
        with db.begin_nested():
            asked, _ = state.application(application)
            view = versions.submit(
                db,
                actor,
                blobs=state.blobs,
                application=asked,
                card=read_card(card.file.read()),
                model=model.file.read(),
                origin=Origin(note=note.strip()),
            )
    except UserError as error:
        return _list(request, db, actor, state, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/versions/{view.id}")


@router.get("/{version_id:uuid}")
def one(request: Request, version_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    return _one(request, db, actor, state, version_id)


def _one(
    request: Request,
    db: Session,
    actor: Actor,
    state: Doors,
    version_id: UUID,
    *,
    status: int = 200,
    **context: Any,
) -> Response:
    _, language = translator(request), render.language_of(request)
    view = versions.get(db, actor, version_id=version_id)
    if view.application not in state.applications:
        raise NotFound("application_unknown", "There is no application called {name}.", name=view.application)
    application, _card = state.application(view.application)
    family = versions.list_(db, actor, application=view.application)
    active = next((one for one in family if one.state is State.ACTIVE), None)
    choices = datasets.choices(db, actor, application=view.application)
    said = view.evaluation or {}
    return manage.page(
        request,
        actor,
        "manage/version.html",
        status=status,
        version=view,
        title=application.title.in_(language),
        active=active,
        candidate=view.state in CANDIDATE,
        sealed=[one for one in choices if one.counts.get(Split.TEST)],
        test_side=Split.TEST,
        learnt=next((one for one in choices if one.id == view.dataset_id), None),
        judged=said.get("status"),
        fault=_fault(request, said),
        comparison=compared(said, application, view.card, _, language) if said.get("status") == "done" else None,
        lost=lost(active.card, view.card, _) if active and active.id != view.id else [],
        better=proves_better(view.evaluation, active.name if active else None),
        former=view.state in CANDIDATE and active is not None and said.get("against") not in (None, active.name),
        shadow=_shadow(db, actor, state, view, language) if view.shadow_since or view.state in CANDIDATE else None,
        state_words=state_words(_),
        origin_words=origin_words(_),
        **context,
    )


def _shadow(db: Session, actor: Actor, state: Doors, view: VersionView, language: str) -> dict[str, Any]:
    """How the candidate did beside the active version, in the reader's words."""
    found = shadows.read(db, actor, blobs=state.blobs, version_id=view.id)
    application, _card = state.application(view.application)
    states = render.status_words(partial(i18n.translate, language))

    def said(status: str, findings: dict[str, Any] | None) -> str:
        label = (findings or {}).get("label") if view.card.task == "classification" else None
        return called(application, label, language) if label else states[status]

    worst = [
        {
            "prediction": one.prediction_id,
            "aloud": said(one.aloud, one.said),
            "silent": said(one.silent, one.found),
            "agreement": i18n.number(language, one.agreement, 2),
            "pictured": one.pictured,
            "outlined": bool(one.said and (one.said["task"] == "segmentation")),
        }
        for one in found.worst
    ]
    share = round(100 * found.same / found.answers) if found.answers else None
    return {"answers": i18n.number(language, found.answers), "share": share, "worst": worst}


def _fault(request: Request, said: dict[str, Any]) -> str:
    failure = said.get("failure")
    return partial(translator(request), failure["message"])(**failure["values"]) if failure else ""


@router.post("/{version_id:uuid}/evaluation")
def judge(
    request: Request, version_id: UUID, db: Db, actor: CurrentActor, state: AppState, dataset: Annotated[UUID, Form()]
) -> Response:
    try:
        with db.begin_nested():
            evaluations.ask(db, actor, version_id=version_id, dataset_id=dataset)
    except UserError as error:
        return _one(request, db, actor, state, version_id, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/versions/{version_id}")


@router.get("/{version_id:uuid}/pictures/{number}/{side}")
def picture(
    version_id: UUID, number: int, side: Literal["first", "second"], db: Db, actor: CurrentActor, state: AppState
) -> Response:
    data = evaluations.picture(db, actor, blobs=state.blobs, version_id=version_id, number=number, side=side)
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=300"})


@router.post("/{version_id:uuid}/activation")
def activate(
    request: Request,
    version_id: UUID,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    password: Text = "",
    reason: Text = "",
) -> Response:
    try:
        with state.sign_in_pace.attempt(actor.email, request), db.begin_nested():
            activations.activate(db, actor, version_id=version_id, reason=reason, password=password)
    except UserError as error:
        said = {"errors": blame(request, error, _FIELDS), "reason": reason}
        return _one(request, db, actor, state, version_id, status=error.status, **said)
    return see(f"/manage/versions/{version_id}")


@router.post("/{version_id:uuid}/rollback")
def roll_back(request: Request, version_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    try:
        with db.begin_nested():
            view = activations.rollback(db, actor, version_id=version_id)
    except UserError as error:
        return _one(request, db, actor, state, version_id, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/versions/{view.id}")


@router.post("/{version_id:uuid}/shadow")
def shadow(request: Request, version_id: UUID, db: Db, actor: CurrentActor, state: AppState, on: Text = "") -> Response:
    try:
        with db.begin_nested():
            shadows.switch(db, actor, version_id=version_id, on=bool(on))
    except UserError as error:
        return _one(request, db, actor, state, version_id, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/versions/{version_id}#shadow")


@router.get("/{version_id:uuid}/shadow/{prediction_id}")
def silent_picture(version_id: UUID, prediction_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    data = shadows.picture(db, actor, blobs=state.blobs, version_id=version_id, prediction_id=prediction_id)
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=300"})


@router.post("/{version_id:uuid}/retirement")
def retire(request: Request, version_id: UUID, db: Db, actor: CurrentActor, state: AppState) -> Response:
    try:
        with db.begin_nested():
            activations.retire(db, actor, version_id=version_id)
    except UserError as error:
        return _one(request, db, actor, state, version_id, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/versions/{version_id}")
