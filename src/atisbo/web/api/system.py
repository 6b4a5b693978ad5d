"""How the service is doing."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel

from atisbo.services import system
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(prefix="/system", tags=["system"])


class QueueKind(BaseModel):
    kind: str
    waiting: int
    running: int
    held: int
    """Failed, and waiting for somebody to look at them."""
    oldest_s: float | None


class Worker(BaseModel):
    id: UUID
    host: str
    pid: int
    started_at: datetime
    seen_s: float
    alive: bool
    versions: dict[str, str]


class Failed(BaseModel):
    id: int
    kind: str
    subject: str
    attempts: int
    failed_at: datetime
    reason: str


class DiskShape(BaseModel):
    free: int
    total: int
    kinds: dict[str, int]


class PaceShape(BaseModel):
    finished: int
    failed: int


class SweptShape(BaseModel):
    """The last sweep: files that belonged to nothing, their bytes, and images past their time."""

    at: datetime
    blobs: int
    bytes: int
    images: int


class SystemShape(BaseModel):
    """Sizes in bytes, times in seconds."""

    queue: list[QueueKind]
    waiting: int
    oldest_s: float | None
    workers: list[Worker]
    failed: list[Failed]
    held: int
    disk: DiskShape
    hour: PaceShape
    day: PaceShape
    swept: SweptShape | None
    retention_days: dict[str, int]
    """For how long images are kept that nobody has a use for, by application; ``*`` is every other."""


class Retried(BaseModel):
    jobs: int


@router.get("")
def report(db: Db, actor: CurrentActor, state: AppState) -> SystemShape:
    """Queue, workers, failed work, disk and throughput."""
    said = system.report(db, actor, state.settings)
    return SystemShape.model_validate(asdict(said) | {"queue": [one._asdict() for one in said.queue]})


@router.post("/failed/retry")
def retry_all(db: Db, actor: CurrentActor) -> Retried:
    """Have all failed work done again."""
    return Retried(jobs=system.retry(db, actor))


@router.post("/failed/{job_id}/retry")
def retry(job_id: Annotated[int, Path(ge=1, lt=2**62)], db: Db, actor: CurrentActor) -> Retried:
    """Have this work done again."""
    return Retried(jobs=system.retry(db, actor, job_id=job_id))
