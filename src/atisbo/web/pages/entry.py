"""Registering, signing in, signing out."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from atisbo.errors import NotSignedIn, SecondFactorNeeded, UserError
from atisbo.services import accounts
from atisbo.web import devices, render
from atisbo.web.deps import AppState, Db, MaybeActor, State, protect
from atisbo.web.limits import REGISTERING
from atisbo.web.pages.forms import blame, local, see
from atisbo.web.security import address_of, clear_session_cookie, session_cookie, set_session_cookie

router = APIRouter(include_in_schema=False, dependencies=[Depends(protect)])
_FIELDS: Final = {
    "email_wrong": "email",
    "email_taken": "email",
    "password_short": "password",
    "password_long": "password",
}
Text = Annotated[str, Form(max_length=2000)]


def _next_query(address: str) -> str:
    return "?" + urlencode({"next": address}) if address != "/" else ""


@router.get("/sign-in")
def sign_in_form(request: Request, actor: MaybeActor, next: str = "/", done: str = "") -> Response:
    target = local(next)
    if actor is not None:
        return see(target)
    _ = render.translator(request)
    said = {
        "password": _("The new password is set. Sign in with it."),
        "session": _("Your session has ended. Sign in again."),
    }.get(done, "")
    return render.page(request, "sign_in.html", next=target, next_query=_next_query(target), email="", said=said)


@router.post("/sign-in")
def sign_in(
    request: Request, db: Db, state: AppState, email: Text = "", password: Text = "", next: Text = "/"
) -> Response:
    target = local(next)
    try:
        with db.begin_nested():
            token = _session_token(request, db, state, email, password)
    except SecondFactorNeeded as needed:
        return _second(request, target, needed.ticket)
    except UserError as error:
        if isinstance(error, NotSignedIn):
            accounts.note_failure(db, email=email, address=address_of(request))
        return render.page(
            request,
            "sign_in.html",
            status=error.status,
            errors=blame(request, error, _FIELDS),
            next=target,
            next_query=_next_query(target),
            email=email,
        )
    return _entered(state, target, token, email)


@router.post("/sign-in/code")
def second_step(
    request: Request, db: Db, state: AppState, ticket: Text = "", code: Text = "", next: Text = "/"
) -> Response:
    """The code, after the password was right."""
    target = local(next)
    try:
        email = accounts.ticket_holder(db, ticket=ticket, keys=state.secrets)
        with state.sign_in_pace.attempt(email, request), db.begin_nested():
            token = accounts.sign_in_second(
                db,
                state.settings,
                ticket=ticket,
                code=code,
                keys=state.secrets,
                address=address_of(request),
                user_agent=request.headers.get("user-agent", ""),
                before=session_cookie(request, state.settings),
                language=render.language_of(request),
            )
    except UserError as error:
        if error.code == "second_factor_late":
            return see(f"/sign-in{_next_query(target)}")
        if isinstance(error, NotSignedIn):
            accounts.note_failure(db, email=email, address=address_of(request), code=bool(code.strip()))
        return _second(request, target, ticket, error)
    return _entered(state, target, token, email)


def _entered(state: State, target: str, token: str, email: str) -> Response:
    """On to where the person wanted to go, with a new session in a browser that is known from now on."""
    answer = see(target)
    set_session_cookie(answer, state.settings, token)
    devices.remember(answer, state.settings, state.secrets, email)
    return answer


def _second(request: Request, target: str, ticket: str, error: UserError | None = None) -> Response:
    return render.page(
        request,
        "second_factor.html",
        status=error.status if error else 200,
        errors=blame(request, error, {"second_factor_wrong": "code"}) if error else render.Errors(),
        next=target,
        ticket=ticket,
    )


def _session_token(request: Request, db: Session, state: State, email: str, password: str) -> str:
    """Raises NotSignedIn for wrong credentials and TooMany after too many of them."""
    with state.sign_in_pace.attempt(email, request):
        return accounts.sign_in(
            db,
            state.settings,
            email=email,
            password=password,
            address=address_of(request),
            user_agent=request.headers.get("user-agent", ""),
            keys=state.secrets,
            before=session_cookie(request, state.settings),
            language=render.language_of(request),
        )


@router.get("/register")
def register_form(request: Request, actor: MaybeActor, next: str = "/", invitation: str = "") -> Response:
    target = local(next)
    if actor is not None:
        return see(target)
    return _registration(request, target, invitation)


@router.post("/register")
def register(
    request: Request,
    db: Db,
    state: AppState,
    email: Text = "",
    password: Text = "",
    invitation: Text = "",
    next: Text = "/",
) -> Response:
    target = local(next)
    try:
        with state.sign_in_pace.attempt(REGISTERING, request), db.begin_nested():
            accounts.register(
                db,
                state.settings,
                email=email,
                password=password,
                invitation=invitation or None,
                language=render.language_of(request),
            )
            token = _session_token(request, db, state, email, password)
    except UserError as error:
        return _registration(request, target, invitation, email=email, error=error)
    return _entered(state, target, token, email)


def _registration(
    request: Request, target: str, invitation: str, *, email: str = "", error: UserError | None = None
) -> Response:
    return render.page(
        request,
        "register.html",
        status=error.status if error else 200,
        errors=blame(request, error, _FIELDS) if error else render.Errors(),
        next=target,
        next_query=_next_query(target),
        invitation=invitation,
        email=email,
    )


@router.post("/sign-out")
def sign_out(db: Db, state: AppState, actor: MaybeActor) -> Response:
    if actor is not None:
        accounts.sign_out(db, actor)
    answer = see("/")
    clear_session_cookie(answer, state.settings)
    return answer
