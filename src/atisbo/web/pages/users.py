"""Users and invitations, for administrators; and the page where a user sets a new password with a link."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.errors import Invalid, UserError
from atisbo.services import users
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, MaybeActor, State, protect
from atisbo.web.once import Once
from atisbo.web.pages import manage
from atisbo.web.pages.forms import blame, see
from atisbo.web.render import Translate

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])
Text = Annotated[str, Form(max_length=300)]
_INVITATION: Final = Once("invitation")
_RESET: Final = Once("reset")
MEGABYTE = 1024**2


@router.get("/manage/users")
def everybody(
    request: Request, db: Db, state: AppState, actor: CurrentActor, q: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    link = _INVITATION.carried(request, state)
    return _INVITATION.shown(request, state, _everybody(request, db, actor, part=q.strip(), invitation_link=link))


@router.post("/manage/users/invitations")
def invite(
    request: Request, db: Db, state: AppState, actor: CurrentActor, role: Text = "user", email: Text = ""
) -> Response:
    try:
        with db.begin_nested():
            token = users.invite(db, actor, state.settings, role=role, email=email or None)
    except UserError as error:
        return _everybody(request, db, actor, status=error.status, errors=blame(request, error, {}))
    link = _link(request, state, f"/register?invitation={token}")
    return _INVITATION.carry(request, state, "/manage/users", link)


def _link(request: Request, state: State, path: str) -> str:
    return (state.settings.public_url or str(request.base_url)).rstrip("/") + path


def _everybody(
    request: Request, db: Session, actor: Actor, *, part: str = "", status: int = 200, **context: Any
) -> Response:
    return manage.page(
        request,
        actor,
        "manage/users.html",
        status=status,
        users=users.list_users(db, actor, part=part),
        part=part,
        invitations=users.list_invitations(db, actor),
        role_words=render.role_words(render.translator(request)),
        megabyte=MEGABYTE,
        **{"invitation_link": "", **context},
    )


@router.get("/manage/users/{user_id}")
def one(
    request: Request,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    user_id: UUID,
    done: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    said, link = _said(render.translator(request)).get(done, ""), _RESET.carried(request, state)
    return _RESET.shown(request, state, _one(request, db, actor, user_id, said=said, reset_link=link))


@router.post("/manage/users/{user_id}/role")
def role(db: Db, actor: CurrentActor, user_id: UUID, role: Text = "") -> Response:
    users.set_role(db, actor, user_id=user_id, role=role)
    return see(f"/manage/users/{user_id}?done=role")


@router.post("/manage/users/{user_id}/room")
def room(
    request: Request, db: Db, actor: CurrentActor, user_id: UUID, images: Text = "", megabytes: Text = ""
) -> Response:
    try:
        most = _number(megabytes)
        with db.begin_nested():
            users.set_room(
                db,
                actor,
                user_id=user_id,
                max_images=_number(images),
                max_bytes=None if most is None else most * MEGABYTE,
            )
    except UserError as error:
        return _one(request, db, actor, user_id, status=error.status, errors=blame(request, error, {}))
    return see(f"/manage/users/{user_id}?done=room")


def _number(said: str) -> int | None:
    if not said.strip():
        return None
    try:
        return int(said)
    except ValueError as error:
        raise Invalid(
            "room_wrong", "Write whole numbers from 0 on, or leave them empty for what everybody has."
        ) from error


@router.post("/manage/users/{user_id}/disabling")
def disable(db: Db, actor: CurrentActor, user_id: UUID) -> Response:
    users.set_disabled(db, actor, user_id=user_id, disabled=True)
    return see(f"/manage/users/{user_id}?done=disabled")


@router.post("/manage/users/{user_id}/enabling")
def enable(db: Db, actor: CurrentActor, user_id: UUID) -> Response:
    users.set_disabled(db, actor, user_id=user_id, disabled=False)
    return see(f"/manage/users/{user_id}?done=enabled")


@router.post("/manage/users/{user_id}/reset")
def reset(request: Request, db: Db, state: AppState, actor: CurrentActor, user_id: UUID) -> Response:
    token = users.offer_reset(db, actor, user_id=user_id)
    link = _link(request, state, f"/password?token={token}")
    return _RESET.carry(request, state, f"/manage/users/{user_id}", link)


def _one(request: Request, db: Session, actor: Actor, user_id: UUID, *, status: int = 200, **context: Any) -> Response:
    return manage.page(
        request,
        actor,
        "manage/user.html",
        status=status,
        user=users.get(db, actor, user_id=user_id),
        role_words=render.role_words(render.translator(request)),
        megabyte=MEGABYTE,
        **{"reset_link": "", **context},
    )


def _said(_: Translate) -> dict[str, str]:
    return {
        "role": _("The role is changed."),
        "room": _("The room is changed."),
        "disabled": _("The account is disabled. Its sessions and tokens no longer work."),
        "enabled": _("The account is enabled again."),
    }


@router.get("/password")
def set_anew_form(request: Request, _actor: MaybeActor, token: Annotated[str, Query(max_length=100)] = "") -> Response:
    return render.page(request, "password.html", token=token)


@router.post("/password")
def set_anew(request: Request, db: Db, _actor: MaybeActor, token: Text = "", password: Text = "") -> Response:
    try:
        with db.begin_nested():
            users.set_anew(db, token=token, password=password)
    except UserError as error:
        fields = {"password_short": "password", "password_long": "password"}
        return render.page(
            request, "password.html", status=error.status, token=token, errors=blame(request, error, fields)
        )
    return see("/sign-in?done=password")
