"""Predictions as their readers see them, and what a worker found written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, tuple_
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.findings import outlines_in, without_outlines
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.domain.predictions import Failure, Status
from atisbo.errors import NotAllowed, NotFound
from atisbo.services import cursors, waiting
from atisbo.services.waiting import Place
from atisbo.store import predictions as store
from atisbo.store.blobs import Blobs, derived
from atisbo.store.deletions import names_prediction
from atisbo.store.predictions import Outcome, PredictionRecord
from atisbo.store.reviews import ReviewRecord
from atisbo.store.webhooks import fire

__all__ = ["Outcome", "Page", "PredictionView", "claim", "get", "list_", "record", "tidy"]


@dataclass(frozen=True)
class ImageView:
    id: UUID
    file_name: str
    width: int | None
    height: int | None
    training_consent: bool
    """The application that was asked may learn from it."""
    shared: bool
    """Whether others may find it as a similar picture."""


@dataclass(frozen=True)
class PredictionView:
    """A prediction as its readers see it; ``place`` is where it stands in the queue while it is open."""

    id: UUID
    owner_id: UUID
    application: str
    status: Status
    created_at: datetime
    finished_at: datetime | None
    version: str | None
    image: ImageView
    region: Region | None
    half: Half | None
    findings: dict[str, Any] | None
    failure: Failure | None
    place: Place | None

    @property
    def outlined(self) -> bool:
        """Whether the answer is an outline, or has one beside it, even if it is an empty one."""
        return outlines_in(self.findings) is not None

    @property
    def explainable(self) -> bool:
        """Whether the answer can have a heat map: it names a class. An outline says by itself where it is."""
        return self.findings is not None and self.findings["task"] == "classification"


@dataclass(frozen=True)
class Page:
    """Newest first; ``next`` continues where this page ends."""

    items: list[PredictionView]
    next: str | None


def get(session: Session, actor: Actor, *, prediction_id: UUID) -> PredictionView:
    """Raises NotFound for what is not there and for what this actor may not see, alike; NotAllowed: see ``find``."""
    return view(session, find(session, actor, prediction_id))


def find(session: Session, actor: Actor, prediction_id: UUID, *, blind: bool = False) -> PredictionRecord:
    """The prediction, for somebody who may read its answer; with ``blind`` for somebody who gets none of it from us.

    Raises:
        NotFound: not there, or not visible to this actor.
        NotAllowed: two readers are asked for it without knowing the answer.
    """
    actor.require(Right.PREDICT)
    this = PredictionRecord.id == prediction_id
    record = session.scalar((store.visible if blind else store.readable)(actor).where(this))
    if record is not None:
        return record
    if not blind and session.scalar(store.visible(actor).where(this)) is not None:
        raise NotAllowed(
            "prediction_blind",
            "Two readers are looking at this image without knowing the network's answer. "
            "It can be seen once both have answered.",
        )
    raise NotFound("prediction_unknown", "There is no such prediction, or it has been deleted.")


def list_(
    session: Session,
    actor: Actor,
    *,
    application: str | None = None,
    status: Status | None = None,
    reviewed: bool | None = None,
    ids: Sequence[UUID] | None = None,
    limit: int = 50,
    before: str | None = None,
) -> Page:
    """One's own predictions, newest first; ``reviewed`` keeps those that the actor has reviewed, or has not.

    Args:
        ids: only these, as far as they are there.
    """
    actor.require(Right.PREDICT)
    query = store.readable(actor).where(PredictionRecord.owner_id == actor.user_id)
    if application is not None:
        query = query.where(PredictionRecord.application == application)
    if status is not None:
        query = query.where(PredictionRecord.status == status.value)
    if ids is not None:
        query = query.where(PredictionRecord.id.in_(ids))
    if reviewed is not None:
        said = exists().where(
            ReviewRecord.prediction_id == PredictionRecord.id, ReviewRecord.author_id == actor.user_id
        )
        query = query.where(said if reviewed else ~said)
    key = tuple_(PredictionRecord.created_at, PredictionRecord.id)
    if before is not None:
        query = query.where(key < cursors.position(before))
    records = list(
        session.scalars(query.order_by(PredictionRecord.created_at.desc(), PredictionRecord.id.desc()).limit(limit + 1))
    )
    more = len(records) > limit
    records = records[:limit]
    following = cursors.mark(records[-1].created_at, records[-1].id) if more else None
    # Asked for once: of hundreds that wait, each would count all that were asked before it.
    places = waiting.mine(session, actor) if any(record.status == Status.WAITING for record in records) else {}
    return Page([view(session, record, place=places.get(record.id)) for record in records], following)


def begun(session: Session, actor: Actor, *, application: str) -> bool:
    """Whether the actor has asked anything of an application that is still there."""
    mine = PredictionRecord.owner_id == actor.user_id, PredictionRecord.application == application
    return session.scalar(store.readable(actor).where(*mine).limit(1)) is not None


def view(
    session: Session, record: PredictionRecord, *, queued: bool = True, place: Place | None = None
) -> PredictionView:
    """As its readers see it; ``place`` in the queue, where it is known already."""
    status = Status(record.status)
    image = record.image
    return PredictionView(
        id=record.id,
        owner_id=record.owner_id,
        application=record.application,
        status=status,
        created_at=record.created_at,
        finished_at=record.finished_at,
        version=record.version,
        image=ImageView(image.id, image.file_name, image.width, image.height, consented(record), image.shared),
        region=Region(**record.region) if record.region else None,
        half=half_of(record),
        findings=without_outlines(record.findings),
        failure=Failure.model_validate(record.failure) if record.failure else None,
        place=place or waiting.place(session, record) if queued and not status.finished else None,
    )


def consented(record: PredictionRecord) -> bool:
    """Whether its application may learn from its image; most images nobody may learn from, and no more is asked."""
    return record.image.training_consent and record.consented


def half_of(record: PredictionRecord) -> Half | None:
    return Half(record.pair_id, record.side) if record.pair_id is not None and record.side is not None else None


def claim(session: Session, ids: Sequence[UUID]) -> dict[UUID, int]:
    """For workers: take predictions in hand; returns the attempt number of each that is still wanted."""
    return store.claim(session, ids)


def record(session: Session, outcomes: Sequence[Outcome]) -> set[UUID]:
    """For workers: write results; returns those taken. A lost lease or a deleted prediction is left out.

    The jobs that tell somebody of them are born in the same transaction.
    """
    taken = store.finish(session, outcomes)
    fire(session, taken)
    return taken


def tidy(session: Session, *, blobs: Blobs, ids: Sequence[UUID]) -> None:
    """For workers: remove what was stored for predictions that were deleted while they were being answered."""
    for prediction_id in ids:
        if session.get(PredictionRecord, prediction_id) is None and not names_prediction(session, prediction_id):
            blobs.delete_folder(derived(prediction_id, ""))
