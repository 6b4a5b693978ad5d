"""Made from a prediction by a worker, read by whoever may: mask, overlay, preview, thumbnail, crop, printed page."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.findings import outlines_in
from atisbo.domain.predictions import Status
from atisbo.errors import NotFound
from atisbo.i18n import LANGUAGES
from atisbo.services.predictions import find
from atisbo.store.blobs import Blobs, answered, derived
from atisbo.store.predictions import PredictionRecord, notify
from atisbo.store.queue import RENDER, URGENT, enqueue

MEDIA_TYPES: Final = {
    "mask.png": "image/png",
    "overlay.png": "image/png",
    "layers.png": "image/png",
    "crop.png": "image/png",
    "preview.jpg": "image/jpeg",
    "thumbnail.jpg": "image/jpeg",
    "part.jpg": "image/jpeg",
    "report.en.pdf": "application/pdf",
    "report.es.pdf": "application/pdf",
}
_OF_THE_ANSWER: Final = frozenset({"mask.png", "overlay.png", "layers.png"})
_WITHOUT_ANSWER: Final = frozenset({"crop.png", "preview.jpg", "thumbnail.jpg", "part.jpg"})
_REPORTS: Final = {f"report.{language}.pdf": language for language in LANGUAGES}
RENDERED: Final = "rendered"
"""Said on the predictions' channel in place of a status when the pictures are there."""


def read(session: Session, actor: Actor, *, blobs: Blobs, prediction_id: UUID, view: str) -> bytes | None:
    """The picture's bytes; None while it is being made, which this call has asked for.

    Raises:
        NotFound: no such prediction for this actor, or it has no such picture.
    """
    record = find(session, actor, prediction_id, blind=view in _WITHOUT_ANSWER)
    return made(session, record, blobs=blobs, view=view)


def made(session: Session, record: PredictionRecord, *, blobs: Blobs, view: str) -> bytes | None:
    """As :func:`read`, for somebody who may see it."""
    name = answered(record.id, record.attempt) if view == "mask.png" else derived(record.id, view)
    data = blobs.get(name)
    if data is not None:
        return data
    status = Status(record.status)
    outlined = outlines_in(record.findings) is not None
    cut = view not in ("crop.png", "part.jpg") or record.region is not None
    said = view not in _REPORTS or record.findings is not None
    if status is Status.FAILED or not cut or not said or (view in _OF_THE_ANSWER and not outlined):
        raise NotFound("view_unknown", "There is no such picture for this prediction.")
    enqueue(
        session,
        RENDER,
        {
            "prediction": str(record.id),
            "owner": str(record.owner_id),
            "application": record.application,
            "version": record.version,
            "original": record.image.sha256,
            "region": record.region,
            "answered": outlined,
            "report": _REPORTS.get(view),
        },
        priority=URGENT,
        dedupe=f"{RENDER}:{record.id}:{outlined}:{_REPORTS.get(view)}",
    )
    return None


def rendered(session: Session, *, owner_id: str, prediction_id: str) -> None:
    """For workers: tell the web processes that the pictures are there."""
    notify(session, f"{owner_id} {prediction_id} {RENDERED}")
