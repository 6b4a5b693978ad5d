"""The first page, what this is about, and how it is shown."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from atisbo import i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.i18n import LANGUAGES
from atisbo.services import accounts
from atisbo.web import assets, render
from atisbo.web.deps import AppState, Db, MaybeActor, protect
from atisbo.web.pages import cards, guides
from atisbo.web.pages.forms import local, see
from atisbo.web.shown import Example, examples, show

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])
_YEAR_S = 365 * 86_400


@router.get("/")
def home(request: Request, actor: MaybeActor, state: AppState, done: str = "") -> Response:
    if actor is not None and state.applications:
        return see(f"/a/{next(iter(state.applications))}")
    _ = render.translator(request)
    gone = _("Your account and everything in it are deleted.")
    language = render.language_of(request)
    return render.page(
        request,
        "home.html",
        said=gone if done == "account" else "",
        examples=[
            _example(application, card, language, examples()[name])
            for name, (application, card) in state.applications.items()
            if name in examples()
        ],
        trials=state.settings.trials_per_minute > 0,
    )


def _example(application: Application, card: Card, language: str, one: Example) -> dict[str, Any]:
    return {
        "name": application.name,
        "title": application.title.in_(language),
        "summary": application.summary.in_(language),
        "file": one.file,
        "source": next((said.source for said in application.samples if said.file == one.file), ""),
        "version": one.version,
        "day": i18n.day(language, one.day),
        "guide": guides.address(application),
        "how_good": cards.how_good(application, card, language),
        "shown": show(
            one.findings,
            application,
            card,
            language,
            picture=assets.url(one.picture),
            seen=one.seen,
            placed=one.seen,
        ),
    }


@router.post("/language")
def language(
    state: AppState,
    db: Db,
    actor: MaybeActor,
    language: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    answer = see(local(next))
    if language in LANGUAGES:
        if actor is not None:
            accounts.set_language(db, actor, language=language)
        _remember(answer, render.LANGUAGE_COOKIE, language, secure=state.settings.secure_cookies)
    return answer


@router.post("/appearance")
def appearance(state: AppState, theme: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:
    answer = see(local(next))
    if theme in render.THEMES:
        _remember(answer, render.THEME_COOKIE, theme, secure=state.settings.secure_cookies)
    else:
        answer.delete_cookie(render.THEME_COOKIE)
    return answer


def _remember(answer: RedirectResponse, name: str, value: str, *, secure: bool) -> None:
    answer.set_cookie(name, value, max_age=_YEAR_S, path="/", secure=secure, httponly=True, samesite="lax")
