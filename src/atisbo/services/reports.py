"""What a printed page of a prediction is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.images import Region
from atisbo.store.predictions import PredictionRecord


@dataclass(frozen=True)
class Answered:
    """A finished prediction with an answer."""

    application: str
    version: str
    file_name: str
    asked_at: datetime
    region: Region | None
    findings: dict[str, Any]


def answered(session: Session, *, prediction_id: UUID) -> Answered | None:
    """For workers: None where it was deleted meanwhile, or has no answer."""
    record = session.get(PredictionRecord, prediction_id)
    if record is None or record.findings is None or record.version is None:
        return None
    return Answered(
        application=record.application,
        version=record.version,
        file_name=record.image.file_name,
        asked_at=record.created_at,
        region=Region(**record.region) if record.region else None,
        findings=record.findings,
    )
