"""Where an image has gone: the datasets that held it; and taking it out of them when a person takes it back."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.datasets import Split, Status
from atisbo.errors import NotFound
from atisbo.services import audit
from atisbo.store import blobs as names
from atisbo.store.blobs import Blobs
from atisbo.store.datasets import DatasetItemRecord, DatasetRecord, masks_used, picture_used
from atisbo.store.db import among, now
from atisbo.store.images import ImageRecord, lock_originals, readable
from atisbo.store.queue import DISCARD, enqueue_all
from atisbo.store.versions import VersionRecord

Why = Literal["withdrawn", "erased"]
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Use:
    """A dataset that holds an image, or held it until it was taken back."""

    dataset_id: UUID
    name: str
    application: str
    created_at: datetime
    split: Split | None
    """None for whoever is not told."""
    removed_at: datetime | None
    versions: list[str]
    """Of networks that learnt from it, or were judged on it."""


def of_image(session: Session, actor: Actor, *, image_id: UUID, sides: bool = False) -> list[Use]:
    """The datasets that used an image, newest first.

    Args:
        sides: tell which side it is on: its owner, or somebody who may open what is sealed, which is noted then.

    Raises:
        NotFound: no such image for this actor.
    """
    image = session.scalar(readable(actor).where(ImageRecord.id == image_id))
    if image is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    uses = _uses(session, DatasetItemRecord.image_id == image_id)
    if sides and image.owner_id == actor.user_id:
        return uses
    if not sides or not actor.may(Right.OPEN_SEALED):
        return [replace(use, split=None) for use in uses]
    for use in uses:
        if use.split is Split.TEST:
            audit.note(session, actor, "dataset.unsealed", f"dataset:{use.dataset_id}", reason="side of an image")
    return uses


def of_owner(session: Session, actor: Actor) -> list[Use]:
    """The datasets that used any of the actor's own images, newest first."""
    own = select(ImageRecord.id).where(ImageRecord.owner_id == actor.user_id)
    found = _uses(session, DatasetItemRecord.image_id.in_(own))
    return list({use.dataset_id: use for use in found}.values())


def told(session: Session, image_ids: Sequence[UUID]) -> dict[str, Any]:
    """Of images about to be erased, for the audit log: which datasets held them, and which networks learnt from those
    or were judged on them. Nothing in it says anything of the images."""
    uses = _uses(session, among(DatasetItemRecord.image_id, image_ids))
    found = {
        "datasets": sorted({str(use.dataset_id) for use in uses}),
        "versions": sorted({name for use in uses for name in use.versions}),
    }
    return found if uses else {}


def _uses(session: Session, which: ColumnElement[bool]) -> list[Use]:
    query = (
        select(DatasetRecord, DatasetItemRecord.split, DatasetItemRecord.buried_at)
        .join(DatasetItemRecord, DatasetItemRecord.dataset_id == DatasetRecord.id)
        .where(which, DatasetRecord.status == Status.READY.value)
        .order_by(DatasetRecord.created_at.desc(), DatasetItemRecord.number)
    )
    rows = session.execute(query).all()
    versions = _versions(session, {dataset.id for dataset, _, _ in rows})
    return [
        Use(
            dataset_id=dataset.id,
            name=dataset.name,
            application=dataset.application,
            created_at=dataset.created_at,
            split=Split(str(split)),
            removed_at=buried,
            versions=versions.get(dataset.id, []),
        )
        for dataset, split, buried in rows
    ]


def _versions(session: Session, dataset_ids: Set[UUID]) -> dict[UUID, list[str]]:
    """Of every dataset the networks that learnt from it, or were judged on it, oldest first."""
    judged = cast(VersionRecord.evaluation["dataset"]["id"].astext, Uuid)
    query = select(VersionRecord.dataset_id, judged, VersionRecord.name).where(
        or_(VersionRecord.dataset_id.in_(dataset_ids), judged.in_(dataset_ids))
    )
    found: dict[UUID, list[str]] = {}
    for *named, name in session.execute(query.order_by(VersionRecord.created_at)):
        for dataset_id in dataset_ids & set(named):
            found.setdefault(dataset_id, []).append(name)
    return found


def bury(session: Session, image_ids: Sequence[UUID], why: Why) -> None:
    """Take images out of every dataset; what stays is a place with a hash, which tells nothing of them.

    The caller holds the images' rows. Pictures and masks that nothing else needs are removed by a job of the same
    transaction. Of a dataset that is still being made, the item is gone altogether.
    """
    for start in range(0, len(image_ids), _AT_ONCE):
        _bury(session, image_ids[start : start + _AT_ONCE], why)


def _bury(session: Session, image_ids: Sequence[UUID], why: Why) -> None:
    query = select(DatasetItemRecord).where(
        among(DatasetItemRecord.image_id, image_ids), DatasetItemRecord.picture.is_not(None)
    )
    items = session.scalars(query.order_by(DatasetItemRecord.id).with_for_update()).all()
    discard(session, items)
    ids = [item.id for item in items]
    session.execute(
        delete(DatasetItemRecord).where(among(DatasetItemRecord.id, ids), DatasetItemRecord.sha256.is_(None))
    )
    session.execute(
        update(DatasetItemRecord)
        .where(among(DatasetItemRecord.id, ids))
        .values(buried_at=now(), buried_why=why)
        .values(dict.fromkeys(_CONTENT))
    )
    for item in items:
        session.expunge(item)


_CONTENT: Final = (
    *("picture", "label", "stratum", "masks", "facts", "owner", "region", "likeness", "nonce", "group_name"),
    *("review_id", "review_version"),
)
"""All that could say something of the image; the place, the side and the hash stay."""


def discard(session: Session, items: Sequence[DatasetItemRecord]) -> None:
    """Ask for the removal of what these items kept, as far as nothing else needs it then."""
    payloads = [{"picture": item.picture, "masks": sorted(set((item.masks or {}).values()))} for item in items]
    enqueue_all(session, DISCARD, payloads)


def erase(session: Session, *, blobs: Blobs, picture: str | None, masks: Sequence[str]) -> None:
    """For workers: remove blobs that no item of any dataset needs any more. Doing it twice does no harm."""
    lock_originals(session, [*masks, *([picture] if picture else [])])
    if picture and not picture_used(session, picture):
        blobs.delete(names.picture(picture))
    for name in set(masks) - masks_used(session, masks):
        blobs.delete(names.mask(name), names.outlines(name))
