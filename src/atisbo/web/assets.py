"""Style sheets, scripts and pictures of the pages, at an address that changes with their contents."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"


@cache
def prefix() -> str:
    """Modules import one another by relative address, so the version stands in the path and not in a query."""
    contents = sha256()
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            contents.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return f"/static/{contents.hexdigest()[:12]}"


def url(path: str) -> str:
    return f"{prefix()}/{path}"


def mount(app: FastAPI) -> None:
    app.mount(prefix(), _Immutable(directory=FOLDER), name="static")


class _Immutable(StaticFiles):
    """Another content has another address, so a browser need never ask again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
