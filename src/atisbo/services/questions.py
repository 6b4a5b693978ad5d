"""A question on its way: the row and the job that it is asked with, and the same question sent twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.applications import Application
from atisbo.domain.images import Region
from atisbo.domain.pairs import Half
from atisbo.domain.predictions import Status
from atisbo.errors import Conflict, Invalid
from atisbo.store.db import hold
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord


def waiting_for(
    image: ImageRecord,
    application: Application,
    region: Region | None,
    key: str | None,
    request: str,
    half: Half | None = None,
) -> PredictionRecord:
    """A question, not asked yet; ``request`` is kept with the idempotency ``key``."""
    return PredictionRecord(
        image=image,
        owner_id=image.owner_id,
        application=application.name,
        region=region.model_dump() if region else None,
        pair_id=half and half.pair_id,
        side=half and half.side,
        status=Status.WAITING.value,
        idempotency_key=key,
        request_hash=request if key else None,
    )


def job_of(record: PredictionRecord) -> dict[str, Any]:
    """All that a worker needs, so that it reads nothing more."""
    return {
        "prediction": str(record.id),
        "original": record.image.sha256,
        "application": record.application,
        "region": record.region,
    }


def request_hash(application: Application, name: str, region: Region | None, half: Half | None = None) -> str:
    """Of what is asked about the bytes, or the image, of this name."""
    pair = [str(half.pair_id), half.side] if half else []
    said = [application.name, name, region.model_dump() if region else None, *pair]
    return sha256(json.dumps(said).encode()).hexdigest()


def earlier_ones(session: Session, actor: Actor, asked: Mapping[str, str]) -> dict[str, PredictionRecord]:
    """The predictions that were made with some of these keys, holding others with the same keys off until we commit.

    Args:
        asked: what is asked under each key, as :func:`request_hash` has it.

    Raises:
        Invalid: a key will not do.
        Conflict: a key was used for another request.
    """
    if not all(key.isprintable() and 1 <= len(key) <= 200 for key in asked):
        raise Invalid("idempotency_key", "The idempotency key must be 1 to 200 printable characters.")
    hold(session, [int.from_bytes(sha256(f"{actor.user_id} {key}".encode()).digest()[:7]) for key in asked])
    query = select(PredictionRecord).where(
        PredictionRecord.owner_id == actor.user_id, PredictionRecord.idempotency_key.in_(asked)
    )
    found = {record.idempotency_key or "": record for record in session.scalars(query)}
    if any(record.request_hash != asked[key] for key, record in found.items()):
        raise Conflict("idempotency_reused", "This idempotency key was used for another request. Use a new one.")
    return found
