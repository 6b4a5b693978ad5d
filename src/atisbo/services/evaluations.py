"""Judging a candidate against the active version on the sealed part of a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.cards import Card
from atisbo.domain.datasets import Split
from atisbo.domain.evaluations import verdict
from atisbo.domain.predictions import Failure
from atisbo.domain.versions import State
from atisbo.errors import AtisboError, Conflict, Invalid, NotFound
from atisbo.services import audit, datasets
from atisbo.services.versions import VersionView, find, view
from atisbo.store import versions as store
from atisbo.store.blobs import Blobs, evaluated
from atisbo.store.datasets import DatasetItemRecord
from atisbo.store.db import now
from atisbo.store.queue import EVALUATE, PATIENT, enqueue
from atisbo.store.versions import VersionRecord

OPEN: Final = ("waiting", "running")
"""States of a judgement that is not over."""
_JUDGED: Final = (State.SUBMITTED, State.EVALUATED, State.RETIRED)


@dataclass(frozen=True)
class Trial:
    """What a worker needs: two cards, whose networks lie among the blobs, and the dataset."""

    active: Card
    candidate: Card
    dataset_id: UUID


def ask(session: Session, actor: Actor, *, version_id: UUID, dataset_id: UUID) -> VersionView:
    """Have a candidate judged; a worker does it when it has nothing else to do.

    Raises:
        NotFound: no such version or dataset.
        Conflict: the version is no candidate, nothing is active, or it is being judged already.
        Invalid: the dataset is of another application, or nothing in it is sealed.
    """
    record = find(session, actor, version_id)
    chosen = datasets.get(session, actor, dataset_id=dataset_id)
    present = store.active(session, record.application)
    if State(record.state) not in _JUDGED or present is None:
        raise Conflict("version_not_judged", "Only an accepted candidate can be judged against an active version.")
    if (record.evaluation or {}).get("status") in OPEN:
        raise Conflict("judging_already", "This version is being judged already.")
    if chosen.application != record.application or not chosen.counts.get(Split.TEST):
        raise Invalid("dataset_unsealed", "Choose a dataset of this application that has a sealed test set.")
    _start(session, record, present.name, chosen)
    facts: dict[str, Any] = {"version": record.name, "against": present.name, "dataset": dataset_id}
    audit.note(session, actor, "version.judged", f"version:{record.id}", **facts)
    return view(session, record)


def _start(session: Session, record: VersionRecord, against: str, chosen: datasets.DatasetView) -> None:
    record.evaluation = {
        "status": "waiting",
        "dataset": {"id": str(chosen.id), "name": chosen.name, "sha256": chosen.sha256},
        "against": against,
        "asked_at": now().isoformat(),
    }
    if record.state == State.EVALUATED.value:
        record.state = State.SUBMITTED.value
    enqueue(session, EVALUATE, {"version": str(record.id)}, priority=PATIENT)
    store.notify(session, record.application)


def begin(session: Session, *, version_id: UUID) -> Trial | None:
    """For workers: what is to be judged; None if it is not wanted any more."""
    record = session.get(VersionRecord, version_id)
    if record is None or (record.evaluation or {}).get("status") not in OPEN:
        return None
    said = record.evaluation or {}
    against = session.scalar(
        select(VersionRecord).where(
            VersionRecord.application == record.application, VersionRecord.name == said["against"]
        )
    )
    if against is None:
        return None
    record.evaluation = said | {"status": "running"}
    store.notify(session, record.application)
    dataset_id = UUID(said["dataset"]["id"])
    return Trial(Card.model_validate(against.card), Card.model_validate(record.card), dataset_id)


def finish(session: Session, *, version_id: UUID, result: Mapping[str, Any]) -> None:
    """For workers: what came of it, as ``atisbo trial`` wrote it."""
    record = session.get(VersionRecord, version_id)
    if record is None or (record.evaluation or {}).get("status") not in OPEN:
        return
    found = verdict(result["task"], result["figures"])
    record.evaluation = (
        (record.evaluation or {})
        | dict(result)
        | {
            "status": "done",
            "verdict": found,
            "finished_at": now().isoformat(),
        }
    )
    if record.state == State.SUBMITTED.value:
        record.state = State.EVALUATED.value
    store.notify(session, record.application)


def fail(session: Session, *, version_id: UUID, error: AtisboError) -> None:
    """For workers: why there is no judgement."""
    record = session.get(VersionRecord, version_id)
    if record is None or (record.evaluation or {}).get("status") not in OPEN:
        return
    values = {name: str(value) for name, value in error.values.items()}
    failure = Failure(code=error.code, message=error.message, values=values).model_dump(mode="json")
    record.evaluation = (record.evaluation or {}) | {"status": "failed", "failure": failure}
    store.notify(session, record.application)


def picture(session: Session, actor: Actor, *, blobs: Blobs, version_id: UUID, number: int, side: str) -> bytes:
    """What one of the two said of an image of the sealed part, drawn.

    Raises:
        NotFound: there is none, or the image was taken back since.
    """
    record = find(session, actor, version_id)
    said = record.evaluation or {}
    shown = next((one for one in said.get("pictures", ()) if one["number"] == number), None)
    if shown is not None and not _taken_back(session, UUID(said["dataset"]["id"]), shown["file"]):
        data = blobs.get(evaluated(record.id, f"{number}-{side}.webp"))
        if data is not None:
            return data
    raise NotFound("view_unknown", "There is no such picture for this version, or its image was taken back.")


def _taken_back(session: Session, dataset_id: UUID, file: str) -> bool:
    """Files are called after the item's number."""
    stem = file.rpartition("/")[2].partition(".")[0]
    if not stem.isdigit():
        return False
    query = select(DatasetItemRecord.picture).where(
        DatasetItemRecord.dataset_id == dataset_id, DatasetItemRecord.number == int(stem)
    )
    return session.scalar(query) is None
