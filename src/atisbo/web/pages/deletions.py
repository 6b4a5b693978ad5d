"""The button that takes a deletion back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import Response

from atisbo.services import deletions
from atisbo.web.deps import CurrentActor, Db, protect
from atisbo.web.pages.forms import local, see

router = APIRouter(prefix="/deletions", include_in_schema=False, dependencies=[Depends(protect)])


@router.post("/{deletion_id}/undoing")
def undo(
    db: Db, actor: CurrentActor, deletion_id: UUID, back: Annotated[str, Form(max_length=2000)] = "/images"
) -> Response:
    deletions.undo(db, actor, deed=deletion_id)
    return see(local(back, "/images"))
