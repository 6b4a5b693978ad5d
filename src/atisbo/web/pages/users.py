"""Users and invitations, for administrators."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.errors import UserError
from atisbo.services import users
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect
from atisbo.web.pages import manage
from atisbo.web.pages.forms import blame, see

router = APIRouter(prefix="/manage/users", include_in_schema=False, dependencies=[Depends(protect)])
Text = Annotated[str, Form(max_length=300)]


@router.get("")
def everybody(request: Request, db: Db, actor: CurrentActor) -> Response:
    return _page(request, db, actor)


@router.post("/{user_id}/role")
def role(db: Db, actor: CurrentActor, user_id: UUID, role: Text = "") -> Response:
    users.set_role(db, actor, user_id=user_id, role=role)
    return see("/manage/users")


@router.post("/{user_id}/disabling")
def disable(db: Db, actor: CurrentActor, user_id: UUID) -> Response:
    users.set_disabled(db, actor, user_id=user_id, disabled=True)
    return see("/manage/users")


@router.post("/{user_id}/enabling")
def enable(db: Db, actor: CurrentActor, user_id: UUID) -> Response:
    users.set_disabled(db, actor, user_id=user_id, disabled=False)
    return see("/manage/users")


@router.post("/invitations")
def invite(
    request: Request, db: Db, state: AppState, actor: CurrentActor, role: Text = "user", email: Text = ""
) -> Response:
    try:
        with db.begin_nested():
            token = users.invite(db, actor, state.settings, role=role, email=email or None)
    except UserError as error:
        return _page(request, db, actor, status=error.status, errors=blame(request, error, {}))
    base = state.settings.public_url or str(request.base_url)
    return _page(request, db, actor, invitation_link=f"{base.rstrip('/')}/register?invitation={token}")


def _page(request: Request, db: Session, actor: Actor, *, status: int = 200, **context: Any) -> Response:
    return manage.page(
        request,
        actor,
        "manage/users.html",
        status=status,
        users=users.list_users(db, actor),
        invitations=users.list_invitations(db, actor),
        role_words=render.role_words(render.translator(request)),
        **{"invitation_link": "", **context},
    )
