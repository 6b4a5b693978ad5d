"""Registering, and the tokens of programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel, Field

from atisbo.domain.consents import USE
from atisbo.errors import NotSignedIn
from atisbo.services import accounts, consents, second_factor, tokens
from atisbo.web.api.accounts import Me, me
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, Db
from atisbo.web.limits import REGISTERING
from atisbo.web.render import language_of
from atisbo.web.security import address_of

router = APIRouter(tags=["auth"])


class Registration(Body):
    email: str = Field(max_length=254)
    password: str = Field(max_length=200)
    invitation: str | None = Field(default=None, max_length=100)
    consent: bool = False
    """Agrees to the terms of today, as `GET /terms` shows them; without it nothing can be uploaded."""


class TokenPair(BaseModel):
    access_token: str
    refresh_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105
    expires_in: int
    """Seconds until the access token ends."""


class RefreshToken(Body):
    refresh_token: str = Field(max_length=200)


@router.post("/auth/register", status_code=201)
def register(body: Registration, request: Request, db: Db, state: AppState) -> Me:
    """Open an account, if registration is open or an invitation is given."""
    with state.sign_in_pace.attempt(REGISTERING, request):
        actor = accounts.register(
            db,
            state.settings,
            email=body.email,
            password=body.password,
            invitation=body.invitation,
            language=language_of(request),
        )
    if body.consent:
        consents.agree(db, actor, version=USE.version, language=actor.language)
    return me(actor)


@router.post("/auth/token")
def token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    state: AppState,
    code: Annotated[str, Form(max_length=40, description="Of the second factor, where it is on")] = "",
) -> TokenPair:
    """Exchange e-mail address (as ``username``) and password for a short access token and a refresh token.

    Where a second factor is on and no ``code`` came, the problem's code is ``second_factor_needed``.
    """
    who = {"email": form.username, "address": address_of(request)}
    within = state.workplace.within
    try:
        with state.sign_in_pace.attempt(form.username, request):
            return _shown(
                within(
                    lambda db: tokens.issue(db, state.settings, state.secrets, password=form.password, code=code, **who)
                )
            )
    except NotSignedIn as error:
        guessed = error.code == second_factor.WRONG
        within(lambda db: accounts.note_failure(db, **who, code=guessed))
        raise


@router.post("/auth/refresh")
def refresh(body: RefreshToken, state: AppState) -> TokenPair:
    """Exchange a refresh token for a new pair. Using one twice revokes all that came of the same sign-in."""
    with state.workplace.transaction() as db:
        pair = tokens.refresh(db, state.settings, state.secrets, token=body.refresh_token)
    if pair is None:
        raise NotSignedIn("refresh_reused", "This token was used before. For safety you have to sign in again.")
    return _shown(pair)


def _shown(pair: tokens.Pair) -> TokenPair:
    return TokenPair(access_token=pair.access_token, refresh_token=pair.refresh_token, expires_in=pair.expires_in_s)


@router.post("/auth/logout", status_code=204)
def logout(body: RefreshToken, db: Db) -> Response:
    """Revoke a refresh token and all that came of the same sign-in."""
    tokens.logout(db, token=body.refresh_token)
    return Response(status_code=204)
