"""Oneself and one's personal tokens."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from atisbo.services import tokens
from atisbo.web.api.shapes import Body
from atisbo.web.deps import CurrentActor, Db

router = APIRouter(tags=["account"])


class Me(BaseModel):
    id: UUID
    email: str
    role: Literal["user", "curator", "administrator"]
    language: str


class NewToken(Body):
    name: str = Field(max_length=80)
    scopes: list[str] = Field(max_length=10)
    days: int = 90


class PersonalToken(BaseModel):
    id: UUID
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class CreatedToken(BaseModel):
    token: str
    """Shown once."""


@router.get("/me")
def me(actor: CurrentActor) -> Me:
    return Me(id=actor.user_id, email=actor.email, role=actor.role.value, language=actor.language)


@router.get("/tokens")
def list_tokens(db: Db, actor: CurrentActor) -> list[PersonalToken]:
    return [PersonalToken(**vars(t)) for t in tokens.list_tokens(db, actor)]


@router.post("/tokens", status_code=201)
def create_token(body: NewToken, db: Db, actor: CurrentActor) -> CreatedToken:
    """Make a personal token for scripts. Scopes: ``predict``, ``delete``, ``read_all``, ``versions``."""
    return CreatedToken(token=tokens.create(db, actor, name=body.name, scopes=body.scopes, days=body.days))


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: UUID, db: Db, actor: CurrentActor) -> Response:
    tokens.revoke(db, actor, token_id=token_id)
    return Response(status_code=204)
