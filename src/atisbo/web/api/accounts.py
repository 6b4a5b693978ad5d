"""Registering, tokens, and oneself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, ConfigDict, Field

from atisbo.errors import NotSignedIn
from atisbo.services import accounts, tokens
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.render import language_of

router = APIRouter()


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Registration(Body):
    email: str = Field(max_length=254)
    password: str = Field(max_length=200)
    invitation: str | None = Field(default=None, max_length=100)


class Me(BaseModel):
    id: UUID
    email: str
    role: Literal["user", "curator", "administrator"]
    language: str


class TokenPair(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int
    """Seconds until the access token ends."""


class RefreshToken(Body):
    refresh_token: str = Field(max_length=200)


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


@router.post("/auth/register", status_code=201, tags=["auth"])
def register(body: Registration, request: Request, db: Db, state: AppState) -> Me:
    """Open an account, if registration is open or an invitation is given."""
    actor = accounts.register(
        db,
        state.settings,
        email=body.email,
        password=body.password,
        invitation=body.invitation,
        language=language_of(request),
    )
    return Me(id=actor.user_id, email=actor.email, role=actor.role.value, language=actor.language)


@router.post("/auth/token", tags=["auth"])
def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()], request: Request, db: Db, state: AppState
) -> TokenPair:
    """Exchange e-mail address (as ``username``) and password for a short access token and a refresh token."""
    with state.sign_in_pace.attempt(form.username, request):
        return _shown(tokens.issue(db, state.settings, state.secrets, email=form.username, password=form.password))


@router.post("/auth/refresh", tags=["auth"])
def refresh(body: RefreshToken, state: AppState) -> TokenPair:
    """Exchange a refresh token for a new pair. Using one twice revokes all that came of the same sign-in."""
    with state.workplace.transaction() as db:
        pair = tokens.refresh(db, state.settings, state.secrets, token=body.refresh_token)
    if pair is None:
        raise NotSignedIn("refresh_reused", "This token was used before. For safety you have to sign in again.")
    return _shown(pair)


def _shown(pair: tokens.Pair) -> TokenPair:
    return TokenPair(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in_s)


@router.post("/auth/logout", status_code=204, tags=["auth"])
def logout(body: RefreshToken, db: Db) -> Response:
    """Revoke a refresh token and all that came of the same sign-in."""
    tokens.logout(db, token=body.refresh_token)
    return Response(status_code=204)


@router.get("/me", tags=["account"])
def me(actor: CurrentActor) -> Me:
    return Me(id=actor.user_id, email=actor.email, role=actor.role.value, language=actor.language)


@router.get("/tokens", tags=["account"])
def list_tokens(db: Db, actor: CurrentActor) -> list[PersonalToken]:
    return [PersonalToken(**vars(t)) for t in tokens.list_tokens(db, actor)]


@router.post("/tokens", status_code=201, tags=["account"])
def create_token(body: NewToken, db: Db, actor: CurrentActor) -> CreatedToken:
    """Make a personal token for scripts. Scopes: ``predict``, ``delete``, ``read_all``."""
    return CreatedToken(token=tokens.create(db, actor, name=body.name, scopes=body.scopes, days=body.days))


@router.delete("/tokens/{token_id}", status_code=204, tags=["account"])
def revoke_token(token_id: UUID, db: Db, actor: CurrentActor) -> Response:
    tokens.revoke(db, actor, token_id=token_id)
    return Response(status_code=204)
