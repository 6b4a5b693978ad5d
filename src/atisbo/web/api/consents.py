"""Reading what one agrees to, agreeing, and taking it back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from atisbo.domain.consents import SHARING, USE, Kind, Terms, training
from atisbo.errors import NotFound
from atisbo.services import consents, lineage
from atisbo.web.api.datasets import UseShape
from atisbo.web.api.shapes import Body
from atisbo.web.deps import AppState, CurrentActor, Db
from atisbo.web.render import language_of

router = APIRouter(tags=["consents"])
open_router = APIRouter(tags=["consents"])
"""Read before one has an account."""


class TermsShape(BaseModel):
    kind: Kind
    application: str | None
    version: int
    """Rises when what the text says changes."""
    language: str
    sha256: str
    """Of the text in this language."""
    text: str


class Agreement(Body):
    version: int = Field(ge=1, le=1_000_000)
    """Of the text that was read."""


class Permission(Agreement):
    application: str = Field(max_length=60)


class ConsentShape(BaseModel):
    kind: Kind
    application: str | None
    image_id: UUID | None
    version: int
    sha256: str
    language: str
    given_at: datetime
    withdrawn_at: datetime | None


@open_router.get("/terms")
def terms(request: Request) -> TermsShape:
    """What the service is, what is stored, for what and for how long: to be agreed to before the first upload."""
    return _terms(USE, Kind.USE, None, language_of(request))


@router.get("/applications/{application}/terms")
def training_terms(application: str, request: Request, state: AppState, _: CurrentActor) -> TermsShape:
    """What one agrees to who lets an image be learnt from; 404 where the application collects none."""
    asked, _card = state.application(application)
    said = training(asked)
    if said is None:
        raise NotFound("consent_unasked", "This application does not collect images to learn from.")
    return _terms(said, Kind.TRAINING, asked.name, language_of(request))


def _terms(said: Terms, kind: Kind, application: str | None, language: str) -> TermsShape:
    return TermsShape(
        kind=kind,
        application=application,
        version=said.version,
        language=language,
        sha256=said.sha256(language),
        text=said.text.in_(language),
    )


@router.get("/me/consents")
def list_consents(db: Db, actor: CurrentActor) -> list[ConsentShape]:
    """All that one agreed to, newest first, withdrawn or not."""
    return [ConsentShape(**vars(view)) for view in consents.list_(db, actor)]


@router.put("/me/consents/use")
def agree(body: Agreement, request: Request, db: Db, actor: CurrentActor) -> ConsentShape:
    """Agree to the terms that `GET /terms` shows; nothing can be uploaded before."""
    return ConsentShape(**vars(consents.agree(db, actor, version=body.version, language=language_of(request))))


@router.delete("/me/consents/use", status_code=204)
def withdraw(db: Db, actor: CurrentActor) -> Response:
    """Take it back: nothing more can be uploaded. What is there stays until it is deleted."""
    consents.withdraw(db, actor)
    return Response(status_code=204)


@router.put("/images/{image_id}/consent")
def allow(
    image_id: UUID, body: Permission, request: Request, db: Db, state: AppState, actor: CurrentActor
) -> ConsentShape:
    """Let an image be learnt from, in the words of `GET /applications/{application}/terms`."""
    asked, _card = state.application(body.application)
    view = consents.allow(
        db, actor, image_id=image_id, application=asked, version=body.version, language=language_of(request)
    )
    return ConsentShape(**vars(view))


@router.get("/terms/sharing")
def sharing_terms(request: Request, _: CurrentActor) -> TermsShape:
    """What one agrees to who lets others find an image as a similar picture."""
    return _terms(SHARING, Kind.SHARING, None, language_of(request))


@router.put("/images/{image_id}/sharing")
def share(image_id: UUID, body: Agreement, request: Request, db: Db, actor: CurrentActor) -> ConsentShape:
    """Let others find an image of one's own as a similar picture, in the words of `GET /terms/sharing`."""
    view = consents.share(db, actor, image_id=image_id, version=body.version, language=language_of(request))
    return ConsentShape(**vars(view))


@router.delete("/images/{image_id}/sharing", status_code=204)
def unshare(image_id: UUID, db: Db, actor: CurrentActor) -> Response:
    """From now on nobody else finds the image."""
    consents.unshare(db, actor, image_id=image_id)
    return Response(status_code=204)


@router.delete("/images/{image_id}/consent")
def forbid(image_id: UUID, db: Db, actor: CurrentActor) -> list[UseShape]:
    """Take an image out of every dataset; says which ones held it, and which versions came of them."""
    consents.forbid(db, actor, image_id=image_id)
    return [UseShape(**vars(use)) for use in lineage.of_image(db, actor, image_id=image_id, sides=True)]
