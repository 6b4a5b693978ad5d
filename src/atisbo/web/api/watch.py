"""How an application's answers do over time, for curators and administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from atisbo.domain.drift import Change
from atisbo.services import watching
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(tags=["watch"])


class ShareShape(BaseModel):
    """`count` of `total`, with the Wilson interval, 95 %."""

    count: int
    total: int
    value: float | None
    low: float | None
    high: float | None


class DayShape(BaseModel):
    day: date
    asked: int
    refused: int
    unsure: int
    failed: int
    p50_s: float | None
    p95_s: float | None
    right: ShareShape


class BinShape(BaseModel):
    said: float
    right: ShareShape


class CalibrationShape(BaseModel):
    bins: tuple[BinShape, ...]
    error: float | None
    """Expected calibration error."""


class DriftShape(BaseModel):
    """Of tones the shares of equal steps from black to white; of the embedding those of groups that the network puts
    together, the last one for what is unlike all of them."""

    index: float
    """Population stability index of the newest pictures."""
    limit: float
    """What chance alone reaches once in a hundred times with so few pictures."""
    before: tuple[float, ...]
    recent: tuple[float, ...]
    change: Change | None
    strong: bool
    images: int


class WatchShape(BaseModel):
    days: list[DayShape]
    asked: int
    refused: ShareShape
    unsure: ShareShape
    p50_s: float | None
    p95_s: float | None
    right: ShareShape
    calibration: CalibrationShape | None
    learnt: bool
    """The drifts are against the pictures that the network learnt from; else against the first ones."""
    brightness: DriftShape | None
    contrast: DriftShape | None
    embedding: DriftShape | None


@router.get("/applications/{application}/watch")
def watch(
    application: str,
    db: Db,
    actor: CurrentActor,
    state: AppState,
    version: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
    days: Annotated[int, Query(description="7, 30, 90 or 365")] = 30,
) -> WatchShape:
    """Volume, speed, accuracy by the reviews, calibration, refusals and drift of the pictures."""
    name = state.application(application)[0].name
    seen = watching.look(db, actor, application=name, version=version, days=days)
    said = asdict(seen)
    return WatchShape.model_validate(said | said.pop("drifts"))
