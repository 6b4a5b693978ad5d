"""What is agreed to before the first upload."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from atisbo.domain.consents import USE
from atisbo.errors import Outdated
from atisbo.services import consents
from atisbo.web import render
from atisbo.web.deps import CurrentActor, Db, MaybeActor, protect
from atisbo.web.pages.forms import blame, local, see

router = APIRouter(prefix="/terms", include_in_schema=False, dependencies=[Depends(protect)])
Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def terms(request: Request, db: Db, actor: MaybeActor, next: str = "/") -> Response:
    return _page(request, next, agreed=actor is not None and consents.agreed(db, actor))


@router.post("")
def agree(request: Request, db: Db, actor: CurrentActor, version: Annotated[int, Form()], next: Text = "/") -> Response:
    try:
        consents.agree(db, actor, version=version, language=render.language_of(request))
    except Outdated as error:
        return _page(request, next, agreed=False, error=error)
    return see(local(next))


def _page(request: Request, then: str, *, agreed: bool, error: Outdated | None = None) -> Response:
    return render.page(
        request,
        "terms.html",
        status=error.status if error else 200,
        errors=blame(request, error, {}) if error else render.Errors(),
        paragraphs=USE.text.in_(render.language_of(request)).split("\n\n"),
        version=USE.version,
        agreed=agreed,
        next=local(then),
    )
