"""Asking for datasets, reading what is in them, and counting what filters catch."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import LEARNING, Filters, Plan, Shares, Split, Status
from atisbo.domain.predictions import Failure
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import audit, candidates
from atisbo.services.candidates import Count
from atisbo.store.blobs import Blobs, picture
from atisbo.store.datasets import DatasetItemRecord, DatasetRecord, DivisionRecord, readable
from atisbo.store.queue import SNAPSHOT, enqueue

_SALT_BYTES: Final = 32


@dataclass(frozen=True)
class DatasetView:
    id: UUID
    application: str
    name: str
    purpose: str
    status: Status
    filters: Filters
    plan: Plan
    sha256: str | None
    """Over the hashes of all items; there when it is ready."""
    counts: dict[Split, int]
    removed: int
    """Items whose image was taken back since."""
    facts: dict[str, Any]
    """What was counted when it was made."""
    failure: Failure | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class ItemView:
    """One image; of one that was taken back only place, side and hash are left."""

    number: int
    id: UUID
    split: Split
    sha256: str
    label: str | None
    outlines: list[str]
    """Which masks there are."""
    width: int
    height: int
    group: str | None
    facts: dict[str, Any]
    prediction_id: UUID | None
    picture: str | None
    removed_at: datetime | None


@dataclass(frozen=True)
class Items:
    """In their lasting order; ``next`` is the number to go on after."""

    items: list[ItemView]
    next: int | None


def create(
    session: Session,
    actor: Actor | None,
    *,
    application: Application,
    card: Card,
    name: str,
    purpose: str = "",
    filters: Filters | None = None,
    group_by: tuple[str, ...] | None = None,
    shares: Shares | None = None,
    queued: bool = True,
) -> DatasetView:
    """Ask for a dataset; a worker makes it, by a job of the same transaction.

    How images are grouped and shared out is decided by an application's first dataset; later ones follow it.

    Args:
        actor: None for the operator, here and below.
        queued: False where the caller makes it itself.

    Raises:
        Invalid: there is no name, or the grouping is none.
        Conflict: no image that these filters let pass may be learnt from.
    """
    _require(actor, Right.CURATE)
    said = " ".join(name.split())
    if not 1 <= len(said) <= 120:
        raise Invalid("dataset_name", "Give the dataset a name of 1 to 120 characters.")
    settled = division(session, application.name)
    if settled is not None:
        group_by, shares = settled
    plan = Plan.of(application, card, ("owner",) if group_by is None else group_by, shares)
    wanted = filters or Filters()
    if candidates.count(session, application.name, wanted, plan).images == 0:
        raise Conflict(
            "dataset_empty",
            "No image is left that can be in it: none was agreed to and reviewed that these filters let pass.",
        )
    ensure_salt(session, application.name)
    record = DatasetRecord(
        application=application.name,
        name=said,
        purpose=purpose.strip()[:2000],
        filters=wanted.model_dump(mode="json"),
        plan=plan.model_dump(mode="json"),
        created_by=actor.user_id if actor else None,
    )
    session.add(record)
    session.flush()
    if queued:
        enqueue(session, SNAPSHOT, {"dataset": str(record.id)})
    audit.note(session, actor, "dataset.created", f"dataset:{record.id}", application=application.name)
    return _view(session, record)


def _require(actor: Actor | None, right: Right) -> None:
    if actor is not None:
        actor.require(right)


def division(session: Session, application: str) -> tuple[tuple[str, ...], Shares] | None:
    """How the application's images are grouped and shared out; None while nothing is decided."""
    record = session.get(DivisionRecord, application)
    if record is None or record.group_by is None:
        return None
    return tuple(record.group_by), Shares.model_validate(record.shares)


def ensure_salt(session: Session, application: str) -> None:
    """See that the application has its secret."""
    row = {"application": application, "salt": secrets.token_bytes(_SALT_BYTES)}
    session.execute(insert(DivisionRecord).values(row).on_conflict_do_nothing())


def count(session: Session, actor: Actor | None, *, application: Application, card: Card, filters: Filters) -> Count:
    """What filters would catch now, before duplicates are left out."""
    _require(actor, Right.CURATE)
    return candidates.count(session, application.name, filters, Plan.of(application, card, ()))


def list_(session: Session, actor: Actor | None, *, application: str | None = None) -> list[DatasetView]:
    """Newest first."""
    _require(actor, Right.CURATE)
    query = readable(actor).order_by(DatasetRecord.created_at.desc(), DatasetRecord.id).limit(500)
    if application is not None:
        query = query.where(DatasetRecord.application == application)
    return [_view(session, record) for record in session.scalars(query)]


def choices(session: Session, actor: Actor | None, *, application: str) -> list[DatasetView]:
    """The datasets that can be learnt from, newest first."""
    return [view for view in list_(session, actor, application=application) if view.status is Status.READY]


def get(session: Session, actor: Actor | None, *, dataset_id: UUID) -> DatasetView:
    """Raises NotFound for what is not there and for what this actor may not see, alike."""
    return _view(session, find(session, actor, dataset_id))


def find(session: Session, actor: Actor | None, dataset_id: UUID) -> DatasetRecord:
    _require(actor, Right.CURATE)
    record = session.scalar(readable(actor).where(DatasetRecord.id == dataset_id))
    if record is None:
        raise NotFound("dataset_unknown", "There is no such dataset.")
    return record


def items(
    session: Session,
    actor: Actor | None,
    *,
    dataset_id: UUID,
    split: Split | None = None,
    label: str | None = None,
    after: int = 0,
    limit: int = 50,
) -> Items:
    """Its images; the sealed part only where it is asked for by name, by somebody who may open it, which is noted.

    Raises:
        NotFound: no such dataset for this actor.
        NotAllowed: the sealed part, without the right to open it.
    """
    record = find(session, actor, dataset_id)
    if split is Split.TEST:
        unseal(session, actor, record, reason="looked at")
    sides = [side.value for side in ((split,) if split else LEARNING)]
    query = select(DatasetItemRecord).where(
        DatasetItemRecord.dataset_id == record.id,
        DatasetItemRecord.split.in_(sides),
        DatasetItemRecord.number > after,
    )
    if label is not None:
        query = query.where(DatasetItemRecord.stratum == label)
    found = list(session.scalars(query.order_by(DatasetItemRecord.number).limit(limit + 1)))
    page = [_item(one) for one in found[:limit]]
    return Items(page, page[-1].number if len(found) > limit else None)


def unseal(session: Session, actor: Actor | None, record: DatasetRecord, *, reason: str) -> None:
    """Write down that the sealed part is opened.

    Raises:
        NotAllowed: the actor may not.
    """
    _require(actor, Right.OPEN_SEALED)
    audit.note(session, actor, "dataset.unsealed", f"dataset:{record.id}", reason=reason)


def image(session: Session, actor: Actor | None, *, blobs: Blobs, dataset_id: UUID, number: int) -> tuple[bytes, str]:
    """The picture of an item, and its media type.

    Raises:
        NotFound: no such dataset or item, or its image was taken back.
        NotAllowed: it is sealed, and the actor may not open it.
    """
    record = find(session, actor, dataset_id)
    item = session.scalar(
        select(DatasetItemRecord).where(DatasetItemRecord.dataset_id == record.id, DatasetItemRecord.number == number)
    )
    if item is None or item.picture is None or (data := blobs.get(picture(item.picture))) is None:
        raise NotFound("item_unknown", "There is no such image in this dataset, or it was taken out.")
    if item.split == Split.TEST.value:
        unseal(session, actor, record, reason=f"picture {number}")
    return data, "image/jpeg" if item.ending == "jpg" else "image/png"


def _item(record: DatasetItemRecord) -> ItemView:
    return ItemView(
        number=record.number or 0,
        id=record.id,
        split=Split(str(record.split)),
        sha256=record.sha256 or "",
        label=record.label,
        outlines=sorted(record.masks or {}),
        width=record.width,
        height=record.height,
        group=record.group_name,
        facts=record.facts or {},
        prediction_id=record.prediction_id,
        picture=record.picture,
        removed_at=record.buried_at,
    )


def _view(session: Session, record: DatasetRecord) -> DatasetView:
    rows = session.execute(
        select(DatasetItemRecord.split, func.count(), func.count(DatasetItemRecord.buried_at))
        .where(DatasetItemRecord.dataset_id == record.id, DatasetItemRecord.split.is_not(None))
        .group_by(DatasetItemRecord.split)
    ).all()
    counts = {Split(str(split)): number - gone for split, number, gone in rows}
    return DatasetView(
        id=record.id,
        application=record.application,
        name=record.name,
        purpose=record.purpose,
        status=Status(record.status),
        filters=Filters.model_validate(record.filters),
        plan=Plan.model_validate(record.plan),
        sha256=record.sha256,
        counts={side: counts.get(side, 0) for side in Split},
        removed=sum(gone for _, _, gone in rows),
        facts=record.facts,
        failure=Failure.model_validate(record.failure) if record.failure else None,
        created_at=record.created_at,
        finished_at=record.finished_at,
    )
