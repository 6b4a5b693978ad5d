"""One's images."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from atisbo.services import images
from atisbo.web.deps import CurrentActor, Db

router = APIRouter(tags=["images"])


@router.delete("/images/{image_id}", status_code=204)
def delete(image_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """Remove an image with its predictions, results and stored bytes."""
    images.delete(db, actor, image_id=image_id)
    return Response(status_code=204)
