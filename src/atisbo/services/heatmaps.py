"""What an answer rests on, as a picture: made by a worker when somebody wants to see it, kept with the answer."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.heatmaps import Heatmap, State
from atisbo.errors import NotFound
from atisbo.services.predictions import find, tidy
from atisbo.store.blobs import Blobs, derived
from atisbo.store.predictions import PredictionRecord, notify
from atisbo.store.queue import EXPLAIN, PATIENT, enqueue

EXPLAINED: Final = "explained"
"""Said on the predictions' channel in place of a status when the heat map is there."""
PICTURE: Final = "heatmap.png"
_FACTS: Final = "heatmap.json"


def get(session: Session, actor: Actor, *, blobs: Blobs, prediction_id: UUID) -> Heatmap:
    """What is known of it; asks for it where nobody has.

    Raises:
        NotFound: no such prediction for this actor, or its answer names no class.
    """
    record = find(session, actor, prediction_id)
    if record.findings is None or record.findings["task"] != "classification":
        raise NotFound(
            "heatmap_unknown", "There is no heat map for this prediction: only an answer with a class has one."
        )
    facts = blobs.get(derived(record.id, _FACTS))
    if facts is not None:
        return Heatmap.model_validate_json(facts)
    label = str(record.findings["label"])
    enqueue(session, EXPLAIN, _job(record, label), priority=PATIENT, dedupe=f"{EXPLAIN}:{record.id}")
    return Heatmap(state=State.PENDING, label=label)


def picture(session: Session, actor: Actor, *, blobs: Blobs, prediction_id: UUID) -> bytes | None:
    """PNG with an alpha channel, to be laid over the part that was analysed; None while it is being made.

    Raises:
        NotFound: see :func:`get`; or there is no picture, and the sentence says why.
    """
    heatmap = get(session, actor, blobs=blobs, prediction_id=prediction_id)
    if heatmap.state is State.READY:
        return blobs.get(derived(prediction_id, PICTURE))
    if heatmap.state is State.PENDING:
        return None
    raise absence(heatmap)


def absence(heatmap: Heatmap) -> NotFound:
    """Why there is no picture."""
    if heatmap.state is State.FLAT:
        return NotFound(
            "heatmap_flat",
            "No single part of the picture carries this answer: hiding any one of them hardly weakened it, "
            "so there is no heat map.",
        )
    return NotFound(
        "heatmap_outdated",
        "Another network has taken this one's place since. Ask about the picture again to see its heat map.",
    )


def _job(record: PredictionRecord, label: str) -> dict[str, Any]:
    return {
        "prediction": str(record.id),
        "owner": str(record.owner_id),
        "original": record.image.sha256,
        "application": record.application,
        "region": record.region,
        "version": record.version,
        "label": label,
    }


def keep(blobs: Blobs, *, prediction_id: UUID, heatmap: Heatmap, picture: bytes | None) -> None:
    """For workers: store it; the picture first, because the facts say that it is there."""
    if picture is not None:
        blobs.put(derived(prediction_id, PICTURE), picture)
    blobs.put(derived(prediction_id, _FACTS), heatmap.model_dump_json().encode())


def kept(session: Session, *, blobs: Blobs, owner_id: str, prediction_id: UUID) -> None:
    """For workers: say that it is there; that of a prediction which was deleted meanwhile goes."""
    tidy(session, blobs=blobs, ids=[prediction_id])
    notify(session, f"{owner_id} {prediction_id} {EXPLAINED}")
