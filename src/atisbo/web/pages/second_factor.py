"""Turning one's own second factor on and off."""

from __future__ import annotations

from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.errors import Invalid, UserError
from atisbo.services import second_factor
from atisbo.services.second_factor import SetUp
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages.forms import blame, see

router = APIRouter(prefix="/account/second-factor", include_in_schema=False, dependencies=[Depends(protect)])
Code = Annotated[str, Form(max_length=40)]


@router.get("")
def show(request: Request, db: Db, actor: CurrentActor) -> Response:
    return _page(request, db, actor)


@router.post("")
def begin(request: Request, db: Db, state: AppState, actor: CurrentActor) -> Response:
    return _page(request, db, actor, begun=second_factor.set_up(db, state.secrets, actor))


@router.post("/confirmation")
def confirm(request: Request, db: Db, state: AppState, actor: CurrentActor, code: Code = "") -> Response:
    try:
        with state.sign_in_pace.attempt(actor.email, request), db.begin_nested():
            codes = second_factor.confirm(db, state.secrets, actor, code=code)
    except UserError as error:
        if error.code != "second_factor_code":
            raise
        begun = second_factor.pending(db, state.secrets, actor)
        return _page(request, db, actor, error=error, begun=begun)
    return _page(request, db, actor, codes=codes)


@router.post("/deletion")
def turn_off(request: Request, db: Db, state: AppState, actor: CurrentActor, code: Code = "") -> Response:
    try:
        with state.sign_in_pace.attempt(actor.email, request), db.begin_nested():
            second_factor.turn_off(db, state.secrets, actor, code=code)
    except UserError as error:
        if isinstance(error, Invalid):
            second_factor.note_wrong(db, actor.user_id)
        return _page(request, db, actor, error=error)
    return see("/account/second-factor")


def _page(
    request: Request,
    db: Session,
    actor: Actor,
    *,
    begun: SetUp | None = None,
    error: UserError | None = None,
    **context: Any,
) -> Response:
    return render.page(
        request,
        "account_second_factor.html",
        status=error.status if error else 200,
        errors=blame(request, error, {"second_factor_code": "code"}) if error else render.Errors(),
        on=second_factor.is_on(db, actor.user_id),
        begun=begun,
        qr=_drawn(begun) if begun else "",
        **{"codes": [], **context},
    )


def _drawn(begun: SetUp) -> Markup:
    """The QR code as SVG; black on white in both themes, as cameras expect."""
    drawn = segno.make(begun.uri, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=3, omitsize=True)
    return Markup(drawn)  # noqa: S704 -- made here, of modules only
