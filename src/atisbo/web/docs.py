"""The API's reference at /docs: Swagger UI, vendored, without inline script."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from atisbo.web import render

router = APIRouter(include_in_schema=False)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    return render.page(request, "api_docs.html")
