"""How the service is doing: queue, workers, failed work, disk, throughput."""

from __future__ import annotations

import json
import os
import shutil
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import Actor, Right
from atisbo.errors import NotFound
from atisbo.services import audit
from atisbo.store import sweeps
from atisbo.store import workers as store
from atisbo.store.accounts import UsageRecord
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.workers import Waiting, WorkerRecord

__all__ = ["FailedJob", "System", "WorkerView", "beat", "gone", "measure", "report", "retry"]

SILENT_S: Final = 30.0
"""A worker that was not heard of for longer is taken for dead."""
_FORGET: Final = timedelta(days=1)
_SHOWN: Final = 100


@dataclass(frozen=True)
class WorkerView:
    id: UUID
    host: str
    pid: int
    started_at: datetime
    seen_s: float
    """Seconds since it was last heard of."""
    alive: bool
    versions: dict[str, str]


@dataclass(frozen=True)
class FailedJob:
    id: int
    kind: str
    subject: str
    """What it is about, as far as its order says."""
    attempts: int
    failed_at: datetime
    reason: str
    """Kind of error and the first line of what it said; a database goes on with its statement, which is for logs."""


@dataclass(frozen=True)
class Disk:
    """Bytes; ``kinds`` of what is kept, by name."""

    free: int
    total: int
    kinds: dict[str, int]


@dataclass(frozen=True)
class Pace:
    """Predictions that came to an end, and how many of them failed."""

    finished: int
    failed: int


@dataclass(frozen=True)
class Swept:
    """The last time that somebody tidied up, and what went: files of nobody, their bytes, images past their time."""

    at: datetime
    blobs: int
    bytes: int
    images: int


@dataclass(frozen=True)
class System:
    queue: list[Waiting]
    waiting: int
    oldest_s: float | None
    workers: list[WorkerView]
    failed: list[FailedJob]
    held: int
    disk: Disk
    hour: Pace
    day: Pace
    swept: Swept | None
    retention_days: dict[str, int]
    """By application, see ``Settings``."""


def report(session: Session, actor: Actor, settings: Settings) -> System:
    actor.require(Right.OPERATE)
    return look(session, settings)


def look(session: Session, settings: Settings) -> System:
    """For doors that are not opened by a person."""
    queue = store.queue(session)
    ages = [one.oldest_s for one in queue if one.oldest_s is not None]
    records = list(session.scalars(select(WorkerRecord).order_by(WorkerRecord.started_at)))
    return System(
        queue=queue,
        waiting=sum(one.waiting for one in queue),
        oldest_s=max(ages, default=None),
        workers=[_worker(record) for record in records],
        failed=[_failed(job) for job in store.held(session, limit=_SHOWN)],
        held=sum(one.held for one in queue),
        disk=_disk(session, settings, records),
        hour=_pace(session, timedelta(hours=1)),
        day=_pace(session, timedelta(days=1)),
        swept=_swept(session),
        retention_days=settings.retention_days,
    )


def _swept(session: Session) -> Swept | None:
    last = sweeps.latest(session)
    return Swept(last.at, last.blobs, last.bytes, last.images) if last else None


def _worker(record: WorkerRecord) -> WorkerView:
    silent = (now() - record.seen_at).total_seconds()
    return WorkerView(
        id=record.id,
        host=record.host,
        pid=record.pid,
        started_at=record.started_at,
        seen_s=max(0.0, silent),
        alive=silent < SILENT_S,
        versions=record.versions,
    )


def _failed(job: store.Held) -> FailedJob:
    said = json.loads(bytes(job.payload or b"{}"))
    subject = next((f"{key} {said[key]}" for key in ("prediction", "image", "run", "version") if said.get(key)), "")
    trace = job.reason or {}
    said_of_it = str(trace.get("exception_message") or "").strip().partition("\n")[0]
    reason = f"{trace.get('exception_type') or ''} {said_of_it}".strip()
    return FailedJob(job.id, job.kind, subject, job.attempts, job.failed_at, reason[:500])


def _disk(session: Session, settings: Settings, records: list[WorkerRecord]) -> Disk:
    usage = shutil.disk_usage(settings.data_dir)
    kinds = {
        "database": session.scalar(text("SELECT pg_database_size(current_database())")) or 0,
        "originals": int(session.scalar(select(func.coalesce(func.sum(UsageRecord.bytes), 0))) or 0),
    }
    measured = max((record for record in records if record.folders), key=lambda one: one.seen_at, default=None)
    return Disk(usage.free, usage.total, kinds | (measured.folders if measured else {}))


def _pace(session: Session, span: timedelta) -> Pace:
    failed = func.count().filter(PredictionRecord.status == "failed")
    query = select(func.count(), failed).where(PredictionRecord.finished_at > now() - span)
    return Pace(*session.execute(query).one())


def retry(session: Session, actor: Actor, *, job_id: int | None = None) -> int:
    """Have one held job done again, or all of them; returns how many.

    Raises:
        NotFound: no such job is held.
    """
    actor.require(Right.OPERATE)
    jobs = [job for job in store.held(session, limit=10_000) if job_id in (None, job.id)]
    if job_id is not None and not jobs:
        raise NotFound("job_unknown", "This work is no longer held. It may have been done meanwhile.")
    store.requeue(session, [job.id for job in jobs])
    for job in jobs:
        audit.note(session, actor, "job.retried", f"job:{job.id}", kind=job.kind)
    return len(jobs)


def beat(session: Session, worker_id: UUID, *, versions: dict[str, str], folders: dict[str, int]) -> None:
    """For workers: still here, and answering with these versions."""
    session.merge(
        WorkerRecord(
            id=worker_id,
            host=socket.gethostname()[:100],
            pid=os.getpid(),
            seen_at=now(),
            versions=versions,
            folders=folders,
        )
    )
    session.execute(delete(WorkerRecord).where(WorkerRecord.seen_at < now() - _FORGET))


def gone(session: Session, worker_id: UUID) -> None:
    """For workers: about to end."""
    session.execute(delete(WorkerRecord).where(WorkerRecord.id == worker_id))


def measure(data_dir: Path) -> dict[str, int]:
    """Bytes on disk by kind: the folders of the blobs, and the database's own."""
    folders = {"database": data_dir / "postgres"}
    blobs = data_dir / "blobs"
    if blobs.is_dir():
        folders |= {folder.name: folder for folder in blobs.iterdir() if folder.is_dir()}
    return {name: _size(folder) for name, folder in folders.items() if folder.is_dir()}


def _size(folder: Path) -> int:
    total = 0
    for root, _folders, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_size  # noqa: PTH118 -- a million of them
            except FileNotFoundError:
                continue
    return total
