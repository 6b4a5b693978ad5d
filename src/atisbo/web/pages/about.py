"""What this is, whose networks, what is kept and for how long, of what it is made."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from atisbo import __version__, i18n
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.web import licences, render
from atisbo.web.deps import AppState, MaybeActor, protect
from atisbo.web.pages import guides
from atisbo.web.render import Translate

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])


@router.get("/about")
def about(request: Request, _actor: MaybeActor, state: AppState) -> Response:
    _, language = render.translator(request), render.language_of(request)
    return render.page(
        request,
        "about.html",
        networks=[_network(*one, _, language) for one in state.applications.values()],
        program_version=__version__,
        parts=licences.parts(),
        session_days=state.settings.session_days,
    )


def _network(application: Application, card: Card, _: Translate, language: str) -> dict[str, Any]:
    origin = card.lineage
    return {
        "name": application.name,
        "title": application.title.in_(language),
        "summary": application.summary.in_(language),
        "version": card.version,
        "trained": i18n.day(language, origin.trained_on) if origin.trained_on else "",
        "start": origin.encoder,
        "licence": _(card.licence) if card.licence else "",
        "samples": " · ".join(sorted({sample.source for sample in application.samples})),
        "guide": guides.address(application),
    }
