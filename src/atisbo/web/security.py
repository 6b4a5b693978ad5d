"""Who is asking, and whether the request comes from our own pages."""

from __future__ import annotations

import hmac
from dataclasses import replace
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request, Response
from sqlalchemy.orm import Session
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from atisbo.config import Secrets, Settings
from atisbo.domain.access import Actor
from atisbo.errors import NotAllowed
from atisbo.services import accounts, tokens

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CSP: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)


def cookie_name(settings: Settings) -> str:
    """``__Host-`` binds the cookie to https and this host; a plain name on a local http address."""
    return "__Host-atisbo_session" if settings.secure_cookies else "atisbo_session"


def session_cookie(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(cookie_name(settings))


def set_session_cookie(response: Response, settings: Settings, token: str) -> None:
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=settings.session_days * 86_400,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(cookie_name(settings), path="/", secure=settings.secure_cookies, httponly=True)


def authenticate(session: Session, request: Request, settings: Settings, secrets: Secrets) -> Actor | None:
    """Whoever the request's credentials stand for; a bearer token wins over a cookie.

    Raises:
        NotSignedIn: a bearer token was sent and is not good.
    """
    actor = _actor(session, request, settings, secrets)
    return actor and replace(actor, address=address_of(request))


def _actor(session: Session, request: Request, settings: Settings, secrets: Secrets) -> Actor | None:
    token = bearer(request)
    if token is not None:
        return tokens.from_bearer(session, secrets, token)
    cookie = session_cookie(request, settings)
    return accounts.from_session(session, cookie) if cookie else None


def bearer(request: Request) -> str | None:
    """The bearer token that was sent, be it good or not. What a proxy asks for by another scheme is none of ours."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def address_of(request: Request) -> str:
    """Where the request came from; empty where the server does not know."""
    return request.client.host if request.client else ""


def csrf_token(request: Request, settings: Settings, secrets: Secrets) -> str:
    """What our own forms and scripts send back: signed, and bound to the browser session."""
    cookie = session_cookie(request, settings) or ""
    return hmac.new(secrets.key("csrf"), cookie.encode(), sha256).hexdigest()


async def check_csrf(request: Request, settings: Settings, secrets: Secrets) -> None:
    """Refuse an unsafe request that a browser sends for another site.

    A request without our cookie, or with a bearer token, acts for nobody by itself and needs no token.

    Raises:
        NotAllowed: cross-site, or without the page's token.
    """
    if request.method in SAFE or bearer(request) is not None:
        return
    if not _same_origin(request):
        raise NotAllowed("cross_site", "This request came from another site and was not carried out.")
    if cookie_name(settings) not in request.cookies:
        return
    sent = request.headers.get("x-csrf-token")
    if sent is None and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        value = (await request.form()).get("csrf_token")
        sent = value if isinstance(value, str) else None
    expected = csrf_token(request, settings, secrets)
    if sent is None or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise NotAllowed("csrf", "This page has been open for too long. Reload it and try again.")


def _same_origin(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


class SecurityHeaders:
    """Adds the headers that every answer carries."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": _CSP,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }
        if secure:
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
