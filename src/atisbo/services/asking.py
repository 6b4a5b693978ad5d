"""Asking for predictions: bytes stored, and image, question and job written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from atisbo.domain import pairs
from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.images import Region, display_name
from atisbo.domain.pairs import Half
from atisbo.errors import Invalid
from atisbo.services import consents, crowd, quotas
from atisbo.services.predictions import PredictionView, view
from atisbo.services.questions import earlier_ones, job_of, request_hash, waiting_for
from atisbo.store.blobs import Blobs, digest, original
from atisbo.store.images import ImageRecord, lock_originals
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import PREDICT, enqueue_all


@dataclass(frozen=True)
class Upload:
    """Untouched bytes as they came, and what the sender called them."""

    data: bytes
    file_name: str


@dataclass(frozen=True)
class Asked:
    """What is asked of one picture."""

    upload: Upload
    region: Region | None = None
    half: Half | None = None
    idempotency_key: str | None = None


def ask(
    session: Session,
    actor: Actor,
    *,
    blobs: Blobs,
    application: Application,
    upload: Upload,
    region: Region | None = None,
    training_consent: bool = False,
    sharing_consent: bool = False,
    idempotency_key: str | None = None,
    half: Half | None = None,
) -> PredictionView:
    """Ask one thing; see :func:`ask_all`."""
    [said] = ask_all(
        session,
        actor,
        blobs=blobs,
        application=application,
        asked=[Asked(upload, region, half, idempotency_key)],
        training_consent=training_consent,
        sharing_consent=sharing_consent,
    )
    return said


def ask_all(
    session: Session,
    actor: Actor,
    *,
    blobs: Blobs,
    application: Application,
    asked: Sequence[Asked],
    training_consent: bool = False,
    sharing_consent: bool = False,
) -> list[PredictionView]:
    """Store the bytes, and write images, predictions and jobs in the caller's transaction: all of them, or none.

    With ``training_consent`` the yes to the application's text is written down with them, with ``sharing_consent`` that
    to others' finding the images.

    A repeated ``idempotency_key`` returns the first prediction.

    Raises:
        ConsentNeeded: the actor has not agreed to the terms.
        Invalid: no bytes, or a region, a consent or a pair that the application does not take.
        Conflict: a key was used for another request.
        TooMany, TooLarge: the actor keeps as much here as they may.
        StorageFull: the disk is.
        Crowded: too many questions wait.
    """
    actor.require(Right.PREDICT)
    consents.require(session, actor)
    for one in asked:
        _check(application, one)
    names = [digest(one.upload.data) for one in asked]
    requests = [request_hash(application, name, one.region, one.half) for name, one in zip(names, asked, strict=True)]
    keyed = {
        one.idempotency_key: said for one, said in zip(asked, requests, strict=True) if one.idempotency_key is not None
    }
    earlier = earlier_ones(session, actor, keyed) if keyed else {}
    fresh = [at for at, one in enumerate(asked) if one.idempotency_key not in earlier]
    if not fresh:
        return _views(session, asked, {}, earlier)
    size = sum(len(asked[at].upload.data) for at in fresh)
    crowd.admit(session)
    quotas.check(session, actor.user_id, more_images=len(fresh), more_bytes=size)
    blobs.need_room(size)
    lock_originals(session, [names[at] for at in fresh])
    with blobs.putting({original(names[at]): asked[at].upload.data for at in fresh}):
        written = {at: _written(actor, application, asked[at], names[at], requests[at]) for at in fresh}
        session.add_all(written.values())
        session.flush()
        quotas.check(session, actor.user_id)
        for prediction in written.values():
            if training_consent:
                consents.give(session, actor, image=prediction.image, application=application, language=actor.language)
            if sharing_consent:
                consents.give_sharing(session, actor, image=prediction.image, language=actor.language)
        enqueue_all(session, PREDICT, [job_of(prediction) for prediction in written.values()])
    return _views(session, asked, written, earlier)


def _check(application: Application, one: Asked) -> None:
    if not one.upload.data:
        raise Invalid("upload_empty", "The file is empty. Choose the picture again.")
    application.input.check(one.region)
    if one.half is not None:
        pairs.check(application.pair, application.review.fields, one.half)


def _written(actor: Actor, application: Application, one: Asked, name: str, request: str) -> PredictionRecord:
    image = ImageRecord(
        owner_id=actor.user_id,
        sha256=name,
        byte_size=len(one.upload.data),
        file_name=display_name(one.upload.file_name),
    )
    return waiting_for(image, application, one.region, one.idempotency_key, request, one.half)


def _views(
    session: Session,
    asked: Sequence[Asked],
    written: Mapping[int, PredictionRecord],
    earlier: Mapping[str, PredictionRecord],
) -> list[PredictionView]:
    return [
        view(session, written[at], queued=False) if at in written else view(session, earlier[one.idempotency_key or ""])
        for at, one in enumerate(asked)
    ]
