"""Taking a deletion back."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from atisbo.services import deletions
from atisbo.web.deps import CurrentActor, Db

router = APIRouter(tags=["images"])


@router.delete("/deletions/{deletion_id}", status_code=204)
def undo(deletion_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """Bring back what was deleted: the address is in ``Location`` of the answer to the deletion, and holds for a few
    minutes. What datasets had of it is not brought back.
    """
    deletions.undo(db, actor, deed=deletion_id)
    return Response(status_code=204)


def gone(deed: UUID) -> Response:
    """The answer to a deletion."""
    return Response(status_code=204, headers={"Location": f"/api/v1/deletions/{deed}"})
