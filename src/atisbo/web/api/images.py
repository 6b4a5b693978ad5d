"""One's images."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.images import Region
from atisbo.services import again, images
from atisbo.web.api.deletions import gone
from atisbo.web.api.predictions import ANSWERS, Asked, answer
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db, in_transaction

router = APIRouter(tags=["images"])


@router.delete("/images/{image_id}", status_code=204)
def delete(image_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """Remove an image with its predictions, results and stored bytes. For a few minutes `DELETE` of the address in
    `Location` brings it back; then it is erased for good.
    """
    return gone(images.delete(db, actor, image_id=image_id))


async def _signed_in(request: Request) -> None:
    """Before the body is looked at, in a transaction that is over by then: the answer may be waited for."""
    await in_transaction(request, lambda _, actor: actor)


class Again(Body):
    """What is asked about an image that is stored."""

    application: Annotated[str, Field(max_length=60)]
    region: Region | None = None
    """In the upright original's pixels."""


@router.post(
    "/images/{image_id}/predictions",
    status_code=202,
    responses=ANSWERS,
    response_model=None,
    dependencies=[Depends(_signed_in)],
)
async def ask_again(
    image_id: UUID,
    asked: Again,
    request: Request,
    state: AppState,
    idempotency_key: Annotated[str | None, Header()] = None,
    prefer: Annotated[str, Header()] = "",
) -> Response:
    """Ask about another part of an image of one's own, or with another application, without uploading it again."""

    def work(session: Session, actor: Actor) -> Asked:
        application, _ = state.application(asked.application)
        view = again.ask(
            session,
            actor,
            image_id=image_id,
            application=application,
            region=asked.region,
            idempotency_key=idempotency_key,
        )
        return actor, view

    return await answer(request, *await in_transaction(request, work), prefer)
