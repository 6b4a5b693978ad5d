"""One's own password, language and tokens, and leaving."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import RIGHTS, SCOPES, Actor
from atisbo.domain.webhooks import State
from atisbo.errors import NotSignedIn, UserError
from atisbo.services import accounts, erasure, lineage, tokens, webhooks
from atisbo.web import render
from atisbo.web.deps import AppState, CurrentActor, Db, protect, state_of
from atisbo.web.once import Once
from atisbo.web.pages.forms import blame, see
from atisbo.web.render import LANGUAGE_COOKIE, Translate, translator
from atisbo.web.security import clear_session_cookie, set_session_cookie

router = APIRouter(prefix="/account", include_in_schema=False, dependencies=[Depends(protect)])
_FIELDS: Final = {
    "password_wrong": "current",
    "password_short": "new",
    "password_long": "new",
    "token_name": "name",
    "token_scopes": "scopes",
}
_TOKEN: Final = Once("token")
_SIGNING: Final = Once("signing")
Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def account(request: Request, db: Db, state: AppState, actor: CurrentActor, done: str = "") -> Response:
    answer = _page(
        request,
        db,
        actor,
        said=_said(translator(request)).get(done, ""),
        new_token=_TOKEN.carried(request, state),
        new_secret=_SIGNING.carried(request, state),
    )
    return _SIGNING.shown(request, state, _TOKEN.shown(request, state, answer))


@router.post("/password")
def password(
    request: Request, db: Db, state: AppState, actor: CurrentActor, current: Text = "", new: Text = ""
) -> Response:
    try:
        with state.sign_in_pace.attempt(actor.email, request), db.begin_nested():
            token = accounts.change_password(db, state.settings, actor, current=current, new=new)
    except UserError as error:
        return _refused(request, db, actor, error)
    answer = see("/account?done=password")
    set_session_cookie(answer, state.settings, token)
    return answer


@router.post("/language")
def language(db: Db, actor: CurrentActor, language: Text = "") -> Response:
    accounts.set_language(db, actor, language=language)
    answer = see("/account")
    answer.delete_cookie(LANGUAGE_COOKIE, path="/")
    return answer


@router.post("/tokens")
def create_token(
    request: Request,
    db: Db,
    state: AppState,
    actor: CurrentActor,
    name: Text = "",
    scopes: Annotated[tuple[str, ...], Form()] = (),
    days: Annotated[int, Form()] = 90,
) -> Response:
    try:
        with db.begin_nested():
            token = tokens.create(db, actor, name=name, scopes=list(scopes), days=days)
    except UserError as error:
        return _refused(request, db, actor, error)
    return _TOKEN.carry(request, state, "/account", token)


@router.post("/tokens/{token_id}/deletion")
def revoke_token(db: Db, actor: CurrentActor, token_id: UUID) -> Response:
    tokens.revoke(db, actor, token_id=token_id)
    return see("/account?done=token#tokens")


@router.post("/webhooks/secret")
def make_webhook_secret(request: Request, db: Db, state: AppState, actor: CurrentActor) -> Response:
    return _SIGNING.carry(request, state, "/account", webhooks.make_secret(db, actor, state.secrets))


@router.post("/deletion")
def erase(request: Request, db: Db, state: AppState, actor: CurrentActor, password: Text = "") -> Response:
    """Leave for good."""
    try:
        with state.sign_in_pace.attempt(actor.email, request), db.begin_nested():
            erasure.erase(db, actor, password=password)
    except NotSignedIn as error:
        return _page(request, db, actor, status=422, errors=blame(request, error, {error.code: "password"}))
    except UserError as error:
        return _page(request, db, actor, status=error.status, errors=blame(request, error, {error.code: "password"}))
    answer = see("/?done=account")
    clear_session_cookie(answer, state.settings)
    return answer


def _refused(request: Request, db: Session, actor: Actor, error: UserError) -> Response:
    return _page(request, db, actor, status=error.status, errors=blame(request, error, _FIELDS))


def _page(request: Request, db: Session, actor: Actor, *, status: int = 200, **context: Any) -> Response:
    _ = translator(request)
    return render.page(
        request,
        "account.html",
        status=status,
        role_words=render.role_words(_),
        scope_words=_scope_words(_),
        scopes=[scope for scope, rights in SCOPES.items() if rights & RIGHTS[actor.role]],
        tokens=tokens.list_tokens(db, actor),
        uses=lineage.of_owner(db, actor),
        webhooks=_webhooks(db, actor, state_of(request).settings),
        webhook_words=_webhook_words(_),
        problem_words=_problem_words(_),
        **{"new_token": "", "new_secret": "", **context},
    )


def _webhooks(db: Session, actor: Actor, settings: Settings) -> dict[str, Any]:
    """Nothing where webhooks are off."""
    if not settings.webhook_hosts:
        return {}
    return {
        "hosts": sorted(settings.webhook_hosts),
        "changed": webhooks.secret_changed(db, actor),
        "deliveries": webhooks.mine(db, actor, limit=20),
    }


def _webhook_words(_: Translate) -> dict[str, str]:
    return {
        State.ARMED: _("Waiting for the answer"),
        State.SENDING: _("Being delivered"),
        State.DELIVERED: _("Delivered"),
        State.GIVEN_UP: _("Given up"),
    }


def _problem_words(_: Translate) -> dict[str, str]:
    return {
        "unknown_host": _("host not found"),
        "forbidden_address": _("address not allowed"),
        "no_connection": _("no connection"),
        "not_trusted": _("certificate not trusted"),
        "too_slow": _("no answer in time"),
        "no_http": _("not an answer in HTTP"),
        "not_allowed": _("host no longer allowed"),
    }


def _scope_words(_: Translate) -> dict[str, str]:
    return {
        "predict": _("Upload images and read your answers"),
        "review": _("Say whether your answers were right"),
        "delete": _("Delete your images"),
        "curate": _("Make datasets and take them along"),
        "read_all": _("Read everybody's images and answers"),
        "delete_all": _("Delete everybody's images"),
        "operate": _("See how the service is doing, and have failed work done again"),
        "versions": _("Submit and judge versions of the networks"),
    }


def _said(_: Translate) -> dict[str, str]:
    return {
        "password": _("The password is changed. You have been signed out everywhere else."),
        "token": _("The token is withdrawn."),
    }
