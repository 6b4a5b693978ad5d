"""Where the part that matters lies in a whole picture."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application
from atisbo.domain.images import Region
from atisbo.errors import Invalid, Unavailable
from atisbo.i18n import translate
from atisbo.services import regions
from atisbo.services.asking import Upload
from atisbo.web.deps import AppState, in_transaction
from atisbo.web.live import Event
from atisbo.web.render import language_of

router = APIRouter(tags=["predictions"])
_PATIENCE_S: Final = 40.0


class ProposalShape(BaseModel):
    """A person confirms or moves it: it is a proposal, and nothing of it is stored."""

    region: Region | None
    """In the upright original's pixels; null where nothing was found, and `detail` says so."""
    probability: float | None
    """That the region is of the kind that the application asks for."""
    sure: bool
    width: int
    """Of the upright original, pixels."""
    height: int
    detail: str


@router.post("/applications/{application}/regions")
async def propose(
    application: str,
    request: Request,
    state: AppState,
    file: Annotated[UploadFile | None, File(description="JPEG, PNG, WebP, TIFF or BMP; it is not kept")] = None,
    image: Annotated[UUID | None, Form(description="Instead of a file: an image of one's own that is stored")] = None,
) -> ProposalShape:
    """Look for the part that matters in a whole picture; an application says in its folder what that is."""
    upload = Upload(await file.read(), file.filename or "") if file else None
    number = uuid4()

    def work(session: Session, actor: Actor) -> tuple[Application, str | None]:
        asked, _ = state.application(application)
        if (upload is None) == (image is None):
            raise Invalid("find_what", "Send either a file or the id of a stored image.")
        source = upload or image
        assert source is not None
        return asked, regions.ask(session, actor, blobs=state.blobs, number=number, application=asked, source=source)

    with state.hub.listening(prediction_id=number) as queue:
        asked, blob = await in_transaction(request, work)
        try:
            said = await _heard(queue)
        finally:
            if blob is not None:
                await run_in_threadpool(state.blobs.delete, blob)
    return _shape(said, asked, language_of(request))


async def _heard(queue: asyncio.Queue[Event]) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), max(0.0, deadline - time.monotonic()))
        except TimeoutError as error:
            raise Unavailable("find_late", "Looking for it took too long. Mark it yourself, or try again.") from error
        word, _, told = event.status.partition(" ")
        if word == regions.PROPOSED:
            said: dict[str, Any] = json.loads(told)
            return said


def _shape(said: dict[str, Any], application: Application, language: str) -> ProposalShape:
    if "failure" in said:
        code, message, values = (said["failure"][part] for part in ("code", "message", "values"))
        raise Invalid(code, message, **values)
    find = application.input.find
    assert find is not None
    if said["region"] is None:
        detail = find.missing.in_(language)
    elif said["sure"]:
        detail = translate(language, "Found. Check the frame, and move it where it does not fit.")
    else:
        detail = translate(language, "This may be it, but the network is not sure. Check the frame.")
    return ProposalShape(**said, detail=detail)
