"""Users and invitations, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from atisbo.domain.access import Role
from atisbo.services import users
from atisbo.services.users import UserView
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(prefix="/users", tags=["users"])


class UserShape(BaseModel):
    id: UUID
    email: str
    role: Role
    created_at: datetime
    disabled: bool
    images: int
    bytes: int
    max_images: int
    max_bytes: int
    own_room: bool
    """Whether an administrator set the two limits for this user."""


class UserChange(Body):
    """What is left out stays as it is."""

    role: Role | None = None
    disabled: bool | None = None


class RoomChange(Body):
    """None for what everybody has."""

    max_images: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    max_bytes: Annotated[int | None, Field(ge=0, lt=2**51)] = None


class Invitation(Body):
    role: Role = Role.USER
    email: str | None = Field(default=None, max_length=254)


class Once(BaseModel):
    token: str
    """Shown once; `/register?invitation=…` or `/password?token=…` take it."""


def _shape(view: UserView) -> UserShape:
    said = {name: value for name, value in vars(view).items() if name != "room"}
    return UserShape(**said, max_images=view.room.images, max_bytes=view.room.bytes)


@router.get("")
def list_users(
    db: Db,
    actor: CurrentActor,
    q: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[UserShape]:
    """The newest users whose e-mail address holds `q`."""
    return [_shape(view) for view in users.list_users(db, actor, part=q, limit=limit)]


@router.get("/{user_id}")
def get_user(user_id: UUID, db: Db, actor: CurrentActor) -> UserShape:
    return _shape(users.get(db, actor, user_id=user_id))


@router.patch("/{user_id}")
def change_user(user_id: UUID, body: UserChange, db: Db, actor: CurrentActor) -> UserShape:
    """Change the role; disable the account, which ends its sessions and tokens at once, or enable it again."""
    if body.role is not None:
        users.set_role(db, actor, user_id=user_id, role=body.role)
    if body.disabled is not None:
        users.set_disabled(db, actor, user_id=user_id, disabled=body.disabled)
    db.flush()
    return _shape(users.get(db, actor, user_id=user_id))


@router.put("/{user_id}/room")
def change_room(user_id: UUID, body: RoomChange, db: Db, actor: CurrentActor) -> UserShape:
    """How much the user may keep here."""
    users.set_room(db, actor, user_id=user_id, max_images=body.max_images, max_bytes=body.max_bytes)
    db.flush()
    return _shape(users.get(db, actor, user_id=user_id))


@router.post("/{user_id}/reset", status_code=201)
def offer_reset(user_id: UUID, db: Db, actor: CurrentActor) -> Once:
    """A token with which the user can set a new password, once, within a day."""
    return Once(token=users.offer_reset(db, actor, user_id=user_id))


@router.post("/invitations", status_code=201)
def invite(body: Invitation, db: Db, actor: CurrentActor, state: AppState) -> Once:
    """An invitation for one account, good for a week."""
    return Once(token=users.invite(db, actor, state.settings, role=body.role, email=body.email))
