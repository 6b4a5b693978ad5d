"""What long work has ended since one last looked."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from atisbo.services import notices
from atisbo.web import render
from atisbo.web.api.notices import shape
from atisbo.web.deps import CurrentActor, Db

router = APIRouter(include_in_schema=False)


@router.get("/notices")
def page(request: Request, db: Db, actor: CurrentActor) -> Response:
    """Whoever has the list in front of them has seen it."""
    _ = render.translator(request)
    items = [shape(_, one) for one in notices.list_(db, actor)]
    notices.see(db, actor)
    return render.page(request, "notices.html", items=items)
