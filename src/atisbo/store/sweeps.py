"""What lies among the blobs and belongs to no row, and when that was looked for last."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.collections import ItemRecord
from atisbo.store.datasets import DatasetItemRecord, masks_used
from atisbo.store.db import Base, Identified, now
from atisbo.store.deletions import DeletionRecord
from atisbo.store.images import ImageRecord, lock_originals
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import PATIENT, TIDY, enqueue
from atisbo.store.versions import VersionRecord

_LOCK: Final = 7_245_011


class SweepRecord(Identified, Base):
    """One sweep that was done to its end."""

    __tablename__ = "sweeps"

    at: Mapped[datetime] = mapped_column(default=now, index=True)
    by: Mapped[str] = mapped_column(String(10))
    """``worker`` or ``operator``."""
    blobs: Mapped[int]
    """Files that belonged to nothing and were removed."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int]
    """That were kept long enough and were deleted."""


def latest(session: Session) -> SweepRecord | None:
    return session.scalar(select(SweepRecord).order_by(SweepRecord.at.desc()).limit(1))


def ask(session: Session, every: timedelta) -> None:
    """Have a worker sweep, if nobody has for so long and nobody is about to."""
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = latest(session)
    if last is None or last.at < now() - every:
        enqueue(session, TIDY, {}, priority=PATIENT, dedupe=TIDY)


Owned = Callable[[Session, Sequence[str]], set[str]]
"""Of these keys, those that some row has."""


def _originals(session: Session, keys: Sequence[str]) -> set[str]:
    """What can be brought back is asked first: who brings it back writes the row before that place is empty."""
    deleted = session.scalars(select(DeletionRecord.original).where(DeletionRecord.original.in_(keys))).all()
    here = session.scalars(select(ImageRecord.sha256).where(ImageRecord.sha256.in_(keys)))
    return {key for key in deleted if key} | set(here)


def _predictions(session: Session, keys: Sequence[str]) -> set[str]:
    """In the same order."""
    wanted = DeletionRecord.predictions.overlap([uuid.UUID(key) for key in keys])
    deleted = {str(one) for some in session.scalars(select(DeletionRecord.predictions).where(wanted)) for one in some}
    return deleted | _ids(session, PredictionRecord, keys)


def _pictures(session: Session, keys: Sequence[str]) -> set[str]:
    query = select(DatasetItemRecord.picture).where(DatasetItemRecord.picture.in_(keys))
    return {key for key in session.scalars(query) if key}


def _networks(session: Session, keys: Sequence[str]) -> set[str]:
    return set(session.scalars(select(VersionRecord.model).where(VersionRecord.model.in_(keys))))


def _versions(session: Session, keys: Sequence[str]) -> set[str]:
    return _ids(session, VersionRecord, keys)


def _items(session: Session, keys: Sequence[str]) -> set[str]:
    return _ids(session, ItemRecord, keys)


def _ids(session: Session, record: type[Identified], keys: Sequence[str]) -> set[str]:
    query = select(record.id).where(record.id.in_([uuid.UUID(key) for key in keys]))
    return {str(identity) for identity in session.scalars(query)}


_HASH: Final = r"(?P<key>[0-9a-f]{64})"
_UUID: Final = r"(?P<key>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
KINDS: Final[Mapping[str, tuple[re.Pattern[str], Owned]]] = {
    "originals/": (re.compile(rf"originals/../{_HASH}"), _originals),
    "derived/": (re.compile(rf"derived/{_UUID}/.+"), _predictions),
    "pictures/": (re.compile(rf"pictures/../{_HASH}"), _pictures),
    "masks/": (re.compile(rf"masks/../{_HASH}"), masks_used),
    "outlines/": (re.compile(rf"outlines/../{_HASH}"), masks_used),
    "networks/": (re.compile(rf"networks/{_HASH}\.onnx"), _networks),
    "evaluations/": (re.compile(rf"evaluations/{_UUID}/.+"), _versions),
    "collections/": (re.compile(rf"collections/{_UUID}/.+"), _items),
}
"""By folder: where the key of the row stands in a blob's name, and who has it. A name of no kind is left alone."""


def orphans(session: Session, kind: str, names: Sequence[str]) -> set[str]:
    """Of these blobs, those that no row has now."""
    pattern, owned = KINDS[kind]
    keys = {name: found["key"] for name in names if (found := pattern.fullmatch(name))}
    if not keys:
        return set()
    there = owned(session, sorted(set(keys.values())))
    return {name for name, key in keys.items() if key not in there}


def is_orphan(session: Session, kind: str, name: str) -> bool:
    """The same of one, and nobody can take it up before this transaction ends.

    What is stored under a hash is stored under a lock of that hash; other names are new for each row and are written
    once.
    """
    found = KINDS[kind][0].fullmatch(name)
    if found is not None and len(found["key"]) == 64:
        lock_originals(session, [found["key"]])
    return name in orphans(session, kind, [name])
