"""What forms share: going back to where one was, and saying what is wrong beside the field."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse

from atisbo.errors import AtisboError
from atisbo.web.render import Errors, translator


def local(address: str, otherwise: str = "/") -> str:
    """The address if it lies on this site, else ``otherwise``: nobody is sent elsewhere by a crafted link."""
    parts = urlsplit(address)
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc
    return address if ours and address.isprintable() else otherwise


def see(address: str) -> RedirectResponse:
    """Continue at another page after a form was accepted."""
    return RedirectResponse(address, status_code=303)


def blame(request: Request, error: AtisboError, fields: Mapping[str, str]) -> Errors:
    """The error's sentence at the field that its code belongs to, else at the form."""
    return Errors({fields.get(error.code, "form"): translator(request)(error.message, **error.values)})
