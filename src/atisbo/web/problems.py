"""Errors as people and programs meet them: RFC 9457 problems on the API, a page in the browser."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atisbo.errors import (
    AtisboError,
    ConsentNeeded,
    Crowded,
    Invalid,
    NotFound,
    NotSignedIn,
    TooMany,
    TooSlow,
    Unavailable,
)
from atisbo.i18n import translate
from atisbo.web import render
from atisbo.web.deps import state_of
from atisbo.web.security import session_cookie

log = logging.getLogger(__name__)
_PROTOCOL: Final = "/v2"


def install(app: FastAPI) -> None:
    """Route every failure to one place that knows HTTP."""
    app.add_exception_handler(AtisboError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_middleware(_Failures)


class _Failures:
    """Answers what nobody expected. Starlette's own handler stands outside of every middleware, so that its answers
    would lack the headers that protect all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            answer = await _unexpected(Request(scope, receive), error)
            await answer(scope, receive, send)


def problem(request: Request, error: AtisboError, *, status: int | None = None, **more: Any) -> Response:
    """The answer to a failed request, in the reader's language."""
    status = status or error.status
    language = render.language_of(request)
    detail = translate(language, error.message, **error.values)
    headers = _headers(request, error)
    if wants_page(request):
        if isinstance(error, NotSignedIn) and request.method == "GET":
            ended = "&done=session" if session_cookie(request, state_of(request).settings) else ""
            return RedirectResponse(f"/sign-in?next={request.url.path}{ended}", status_code=303)
        return render.error_page(request, status, detail, headers)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": error.code,
        **more,
    }
    if request.url.path.startswith(_PROTOCOL):
        body["error"] = detail  # where the Open Inference Protocol has it
    headers["Content-Language"] = language
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def wants_page(request: Request) -> bool:
    return not request.url.path.startswith(("/api/", _PROTOCOL)) and "text/html" in request.headers.get("accept", "")


def _headers(request: Request, error: AtisboError) -> dict[str, str]:
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": _challenge(request)}
    if isinstance(error, TooSlow):
        return {"Connection": "close"}
    if isinstance(error, TooMany | Unavailable):
        return {"Retry-After": str(error.retry_after_s)}
    return {}


def _challenge(request: Request) -> str:
    """RFC 6750, section 3: a token that was sent and is not good is named as the reason."""
    sent = request.headers.get("authorization", "").lower().startswith("bearer ")
    return 'Bearer realm="atisbo"' + (', error="invalid_token"' if sent else "")


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, AtisboError)
    if error.status >= 500 and not isinstance(error, Crowded):
        log.error("%s %s: %s", request.method, request.url.path, error)
    await _recognise(request)
    return problem(request, error, **_more(error))


async def _recognise(request: Request) -> None:
    """Who reads the page, where no route has asked: an address that is none, a form that was refused before."""
    if wants_page(request) and not hasattr(request.state, "actor"):
        await state_of(request).recognise(request)


def _more(error: AtisboError) -> dict[str, Any]:
    """Where to read and to agree, for programs."""
    if not isinstance(error, ConsentNeeded):
        return {}
    terms = {"version": error.version, "read": "/api/v1/terms", "agree": "/api/v1/me/consents/use"}
    return {"terms": terms}


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [
        {
            "field": ".".join(str(part) for part in fault["loc"][1:]) or str(fault["loc"][0]),
            "reason": fault["msg"],
        }
        for fault in error.errors()
    ]
    first = faults[0]
    await _recognise(request)
    return problem(
        request,
        Invalid(
            "request_wrong",
            "{field}: {reason}. Correct it and send it again.",
            field=first["field"],
            reason=first["reason"],
        ),
        errors=faults,
    )


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, AtisboError):
        return problem(request, error.__cause__)
    await _recognise(request)
    if error.status_code == 404:
        return problem(request, NotFound("nothing_here", "There is nothing at this address."))
    if error.status_code == 405:
        wrong = Invalid("method_wrong", "This address does not take such a request.")
        return problem(request, wrong, status=405)
    unreadable = Invalid("body_unreadable", "The request could not be read. Send it again.")
    return problem(request, unreadable, status=error.status_code)


async def _database(request: Request, error: Exception) -> Response:
    """A statement failed; a lost connection, a full pool or disk will pass, a value that the database cannot hold (a
    NUL in a text) is the sender's, anything else is a fault of ours.
    """
    if isinstance(error, DataError):
        log.warning("%s %s: %s", request.method, request.url.path, error.orig)
        return problem(
            request,
            Invalid(
                "value_wrong",
                "A text or a number in the request cannot be stored. Look for invisible characters and send it again.",
            ),
        )
    passing = isinstance(error, PoolTimeout | OperationalError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )
    if not passing:
        return await _unexpected(request, error)
    log.warning("%s %s: database away: %s", request.method, request.url.path, error)
    away = Unavailable("database_away", "The service cannot reach its database at the moment. Try again shortly.")
    return problem(request, away)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(
        request,
        AtisboError("internal", "Something went wrong on our side. It has been noted; try again later."),
    )
