"""Tidying up: blobs that belong to no row, images that were kept as long as the installation keeps them, and work that
was given up and has to come to its end.

A blob without a row is left by a process that died between the two. It is removed once it has lain for the grace time,
under the lock that whoever stores the same bytes takes: what is being stored now is never swept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from atisbo.services import audit, deletions, retention
from atisbo.services.work import Workplace
from atisbo.store import sweeps as store
from atisbo.store import workers
from atisbo.store.db import now
from atisbo.store.sweeps import SweepRecord, ask

__all__ = ["Swept", "ask", "sweep"]

_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Swept:
    """What was removed; in a dry run, what would be."""

    blobs: list[str] = field(default_factory=list)
    bytes: int = 0
    images: int = 0


def sweep(workplace: Workplace, *, by: str, dry_run: bool = False) -> Swept:
    """Look at every blob and every image, and have done again what was given up before it had removed what it should.

    Args:
        by: ``worker`` or ``operator``.

    Raises:
        Unavailable: the storage or the database is away; what was removed until then is gone.
    """
    if not dry_run:
        workplace.within(_take_up)
    images = retention.expire(workplace, dry_run=dry_run)
    names, size = [], 0
    for kind in store.KINDS:
        for name, length in _orphans(workplace, kind):
            if dry_run or workplace.within(lambda s, kind=kind, name=name: _remove(s, workplace, kind, name)):  # type: ignore[misc]
                names.append(name)
                size += length
    swept = Swept(names, size, images)
    if not dry_run:
        workplace.within(lambda session: _note(session, swept, by))
    return swept


def _take_up(session: Session) -> None:
    """A job is held, or is gone with a queue that was emptied."""
    if held := workers.unfinished(session):
        workers.requeue(session, held)
    deletions.erase_left(session)


def _orphans(workplace: Workplace, kind: str) -> Iterator[tuple[str, int]]:
    """Names and sizes of blobs that are old enough and belong to nothing."""
    before = _before(workplace)
    old = ((name, entry.size) for name, entry in workplace.blobs.walk(kind) if entry.written_at < before)
    while sizes := dict(islice(old, _AT_ONCE)):
        found = workplace.within(lambda s, sizes=sizes: store.orphans(s, kind, list(sizes)))  # type: ignore[misc]
        yield from ((name, sizes[name]) for name in sorted(found))


def _remove(session: Session, workplace: Workplace, kind: str, name: str) -> bool:
    """Look again with the blob in hand: it may have been stored anew, and its row written, since it was listed."""
    if not store.is_orphan(session, kind, name):
        return False
    written_at = workplace.blobs.written_at(name)
    if written_at is None or written_at >= _before(workplace):
        return False
    workplace.blobs.delete(name)
    return True


def _before(workplace: Workplace) -> datetime:
    return now() - timedelta(hours=workplace.settings.sweep_grace_hours)


def _note(session: Session, swept: Swept, by: str) -> None:
    session.add(SweepRecord(by=by, blobs=len(swept.blobs), bytes=swept.bytes, images=swept.images))
    if swept.blobs:
        audit.note(session, None, "storage.swept", "storage:blobs", blobs=len(swept.blobs), bytes=swept.bytes, by=by)
