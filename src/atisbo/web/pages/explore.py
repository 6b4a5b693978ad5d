"""The map of an application's pictures."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo.domain.access import Right
from atisbo.domain.applications import names
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, protect
from atisbo.web.pages.batch import keyed
from atisbo.web.pages.cards import called

router = APIRouter(prefix="/a/{application}", include_in_schema=False, dependencies=[Depends(protect)])


@router.get("/explore")
def explore(request: Request, application: str, actor: CurrentActor, state: AppState) -> Response:
    asked, card = state.application(application)
    language = render.language_of(request)
    return render.page(
        request,
        "explore.html",
        name=asked.name,
        title=asked.title.in_(language),
        task=card.task,
        names=card.output.labels,
        named=keyed(asked, card, language),
        curator=actor.may(Right.REVIEW_ALL),
        labels={name: called(asked, name, language) for name in names(card)},
    )
