"""The review inbox: a reading list for curators, worked by keys; and how far two readers agree."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo import i18n
from atisbo.domain.access import Actor
from atisbo.domain.applications import Application, names
from atisbo.domain.cards import Card
from atisbo.errors import UserError
from atisbo.services import inbox, panels
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, State, protect
from atisbo.web.pages import manage
from atisbo.web.pages.cards import called
from atisbo.web.pages.forms import blame, see
from atisbo.web.pages.workbench import sentence

router = APIRouter(prefix="/manage", include_in_schema=False, dependencies=[Depends(protect)])
Word = Annotated[str, Query(max_length=60)]
Text = Annotated[str, Form(max_length=60)]


@router.get("/inbox")
def reading_list(request: Request, db: Db, state: AppState, actor: CurrentActor, application: Word = "") -> Response:
    name = application if application in state.applications else _fullest(db, actor, state)
    chosen, card = state.application(name)
    language = render.language_of(request)
    return render.page(
        request,
        "inbox.html",
        name=name,
        title=chosen.title.in_(language),
        progress=inbox.progress(db, actor, application=name),
        labels={one: called(chosen, one, language) for one in names(card)},
        choices=_choices(chosen, card, language),
        task=card.task,
        outlines=_outlines(card),
        positive=card.output.positive or "",
        layers=(card.structures.output if card.structures else card.output).labels if _outlines(card) else (),
        selected=True,
    )


def _fullest(db: Session, actor: Actor, state: State) -> str:
    """The application with most to read; the first one where nothing waits."""
    waiting = {name: inbox.progress(db, actor, application=name).waiting for name in state.applications}
    return max(waiting, key=lambda name: waiting[name], default="")


def _outlines(card: Card) -> bool:
    return card.task == "segmentation" or card.structures is not None


def _choices(application: Application, card: Card, language: str) -> list[dict[str, str]]:
    """What can be said by a digit: the labels of a classification."""
    if card.task != "classification":
        return []
    return [{"value": one, "label": sentence(called(application, one, language))} for one in card.output.labels[:9]]


@router.get("/agreement")
def agreement(
    request: Request, db: Db, state: AppState, actor: CurrentActor, application: Word = "", asked: Word = ""
) -> Response:
    name = application if application in state.applications else next(iter(state.applications), "")
    return _agreement(request, db, state, actor, name, asked=asked if asked.isdigit() else "")


@router.post("/agreement")
def ask(
    request: Request,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    application: Text = "",
    count: Text = "",
    hidden: Text = "",
) -> Response:
    name = state.application(application)[0].name
    try:
        wanted = int(count) if count.isdigit() else None
        number = panels.ask(db, actor, application=name, hidden=bool(hidden), count=wanted)
    except UserError as error:
        return _agreement(request, db, state, actor, name, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/agreement?{urlencode({'application': name, 'asked': number})}")


def _agreement(
    request: Request,
    db: Session,
    state: State,
    actor: Actor,
    name: str,
    *,
    asked: str = "",
    status: int = 200,
    **context: Any,
) -> Response:
    application, card = state.application(name)
    language = render.language_of(request)
    found = panels.agreement(db, actor, application=name)
    return manage.page(
        request,
        actor,
        "manage/agreement.html",
        status=status,
        name=name,
        found=found,
        unread=inbox.progress(db, actor, application=name).waiting,
        called={one: sentence(called(application, one, language)) for one in names(card)},
        asked=asked,
        decimal=lambda value: i18n.number(language, value, 2),
        **context,
    )
