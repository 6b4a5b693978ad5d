"""Browsers that have signed in to an account before: what others do wrong is not counted against them.

After "Device Cookies" of the OWASP (Slow Down Online Guessing Attacks with Device Cookies).
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256
from typing import Final

from fastapi import Request, Response

from atisbo.config import Secrets, Settings

_YEAR_S: Final = 365 * 86_400


def _cookie(settings: Settings) -> str:
    return "__Host-atisbo_device" if settings.secure_cookies else "atisbo_device"


def _signature(keys: Secrets, account: str, nonce: str) -> str:
    said = f"{account.strip().lower()}\0{nonce}"
    return hmac.new(keys.key("device"), said.encode(errors="replace"), sha256).hexdigest()


def recognised(request: Request, settings: Settings, keys: Secrets, account: str) -> str:
    """A name for this browser, if it has signed in to ``account`` before; else nothing."""
    nonce, _, signature = request.cookies.get(_cookie(settings), "").partition(".")
    expected = _signature(keys, account, nonce)
    return nonce if nonce and hmac.compare_digest(signature.encode(), expected.encode()) else ""


def remember(response: Response, settings: Settings, keys: Secrets, account: str) -> None:
    """The browser that gets this answer has just signed in to ``account``."""
    nonce = secrets.token_urlsafe(12)
    response.set_cookie(
        _cookie(settings),
        f"{nonce}.{_signature(keys, account, nonce)}",
        max_age=_YEAR_S,
        path="/",
        secure=settings.secure_cookies,
        httponly=True,
        samesite="lax",
    )
