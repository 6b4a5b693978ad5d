"""Training runs: asking for one, watching it, ending it, and what a worker writes down of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.cards import Card
from atisbo.domain.datasets import Split
from atisbo.domain.predictions import Failure
from atisbo.domain.runs import Overrides, State
from atisbo.errors import AtisboError, Conflict, Invalid, NotFound
from atisbo.services import audit, datasets, notices, recipes, versions
from atisbo.services.versions import Origin
from atisbo.services.work import Blobs
from atisbo.store import runs as store
from atisbo.store import versions as version_store
from atisbo.store.accounts import UserRecord
from atisbo.store.db import now
from atisbo.store.queue import LEARN, PATIENT, enqueue
from atisbo.store.runs import RunRecord
from atisbo.store.versions import VersionRecord


@dataclass(frozen=True)
class RunView:
    id: UUID
    application: str
    dataset_id: UUID
    dataset: dict[str, Any]
    recipe_name: str
    recipe: dict[str, Any]
    start: str | None
    """Name of the version that it goes on from."""
    state: State
    stop: bool
    curves: dict[str, dict[str, list[float]]]
    log: str
    failure: Failure | None
    version_id: UUID | None
    version: str | None
    """What came of it."""
    worker: str
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def epochs(self) -> int:
        """How many the recipe asks for."""
        return int(self.recipe.get("train", {}).get("epochs", 1))

    @property
    def epoch(self) -> int:
        """How many are done."""
        return max((len(values) for values in self.curves.get("train", {}).values()), default=0)


@dataclass(frozen=True)
class Order:
    """What a worker needs."""

    attempt: int
    application: str
    dataset_id: UUID
    dataset_sha256: str
    recipe_name: str
    recipe: dict[str, Any]
    start: Card | None


def start(
    session: Session,
    actor: Actor | None,
    *,
    application: Application,
    card: Card,
    dataset_id: UUID,
    recipe: str,
    overrides: Overrides | None = None,
    from_active: bool | None = None,
) -> RunView:
    """Ask for a run; a worker that takes the queue ``learn`` does it.

    Args:
        actor: None for the operator.
        card: of the version that answers now.
        from_active: go on from its weights; by itself where the recipe begins with weights of a file.

    Raises:
        NotFound: no such dataset, or no such recipe for this application.
        Invalid: the dataset is of another application, or nothing in it can be learnt from.
    """
    if actor is not None:
        actor.require(Right.MANAGE_VERSIONS)
    chosen = datasets.get(session, actor, dataset_id=dataset_id)
    if chosen.application != application.name or not chosen.counts.get(Split.TRAINING):
        raise Invalid("dataset_empty", "Choose a dataset of this application that has images to learn from.")
    found = recipes.named(application, card, recipe)
    goes_on = found.from_file if from_active is None else from_active
    active = version_store.active(session, application.name) if goes_on or found.from_file else None
    record = RunRecord(
        application=application.name,
        dataset_id=dataset_id,
        dataset={"name": chosen.name, "sha256": chosen.sha256},
        recipe_name=found.name,
        recipe=(overrides or Overrides()).applied(found.said),
        start_id=active.id if active else None,
        created_by=actor.user_id if actor else None,
    )
    session.add(record)
    session.flush()
    enqueue(session, LEARN, {"run": str(record.id)}, priority=PATIENT)
    facts: dict[str, Any] = {"application": application.name, "dataset": dataset_id, "recipe": found.name}
    audit.note(session, actor, "run.started", f"run:{record.id}", **facts)
    return view(session, record)


def list_(session: Session, actor: Actor, *, application: str | None = None, limit: int = 100) -> list[RunView]:
    """Newest first."""
    actor.require(Right.MANAGE_VERSIONS)
    query = store.readable(actor).order_by(RunRecord.created_at.desc()).limit(limit)
    if application is not None:
        query = query.where(RunRecord.application == application)
    return [view(session, record) for record in session.scalars(query)]


def get(session: Session, actor: Actor, *, run_id: UUID) -> RunView:
    """Raises NotFound: there is none."""
    return view(session, _find(session, actor, run_id))


def _find(session: Session, actor: Actor, run_id: UUID) -> RunRecord:
    actor.require(Right.MANAGE_VERSIONS)
    record = session.scalar(store.readable(actor).where(RunRecord.id == run_id))
    if record is None:
        raise NotFound("run_unknown", "There is no such run.")
    return record


def cancel(session: Session, actor: Actor, *, run_id: UUID) -> RunView:
    """End a run: at once if no worker has it, else as soon as that one looks.

    Raises:
        Conflict: it is over.
    """
    record = _find(session, actor, run_id)
    session.refresh(record, with_for_update=True)
    if State(record.state).over:
        raise Conflict("run_over", "This run is over already.")
    record.stop = True
    if record.state == State.WAITING.value:
        record.state, record.finished_at = State.CANCELLED.value, now()
    store.changed(session, record)
    audit.note(session, actor, "run.cancelled", f"run:{record.id}", application=record.application)
    return view(session, record)


def begin(session: Session, *, run_id: UUID, worker: str) -> Order | None:
    """For workers: take a run in hand, also one that was cut off; None if it is not wanted any more."""
    record = session.get(RunRecord, run_id, with_for_update=True)
    if record is None or State(record.state).over:
        return None
    record.attempt += 1
    record.state, record.worker = State.RUNNING.value, worker[:100]
    record.started_at = record.started_at or now()
    store.changed(session, record)
    from_version = session.get(VersionRecord, record.start_id) if record.start_id else None
    return Order(
        record.attempt,
        record.application,
        record.dataset_id,
        record.dataset["sha256"],
        record.recipe_name,
        record.recipe,
        Card.model_validate(from_version.card) if from_version else None,
    )


def progress(session: Session, *, run_id: UUID, attempt: int, curves: Mapping[str, Any], log: str) -> bool:
    """For workers: write down how far it is; returns whether to go on."""
    record = session.get(RunRecord, run_id)
    if record is None or record.attempt != attempt or State(record.state).over:
        return False
    if dict(curves) != record.curves or log != record.log:
        record.curves, record.log = dict(curves), log
        store.changed(session, record)
    return not record.stop


def done(
    session: Session, *, run_id: UUID, attempt: int, blobs: Blobs, application: Application, card: Card, model: bytes
) -> None:
    """For workers: submit the network as a version; one that was made before, to the bit, is that version."""
    record = _held(session, run_id, attempt)
    if record is None:
        return
    origin = Origin("run", record.id, record.dataset_id, note=f"{record.recipe_name} · {record.dataset['name']}")
    try:
        with session.begin_nested():
            submitted = versions.submit(
                session, None, blobs=blobs, application=application, card=card, model=model, origin=origin
            )
            record.version_id = submitted.id
    except Conflict:
        same = VersionRecord.application == record.application, VersionRecord.model == card.sha256
        record.version_id = session.scalars(select(VersionRecord.id).where(*same)).first()
    record.state, record.finished_at = State.DONE.value, now()
    store.changed(session, record)
    _tell(session, record)


def _tell(session: Session, record: RunRecord) -> None:
    about = {"id": str(record.id), "name": record.recipe_name, "failed": record.failure is not None}
    notices.tell(session, record.created_by, notices.Kind.RUN, about)


def ended(session: Session, *, run_id: UUID, attempt: int, error: AtisboError | None) -> None:
    """For workers: it was cancelled, or failed with an error."""
    record = _held(session, run_id, attempt)
    if record is None:
        return
    record.state, record.finished_at = State.CANCELLED.value, now()
    if error is not None:
        values = {name: str(value) for name, value in error.values.items()}
        record.state = State.FAILED.value
        record.failure = Failure(code=error.code, message=error.message, values=values).model_dump(mode="json")
        _tell(session, record)
    store.changed(session, record)


def stopped(session: Session, *, run_id: UUID) -> bool:
    """For workers: whether somebody asked for its end."""
    record = session.get(RunRecord, run_id)
    return record is None or record.stop


def _held(session: Session, run_id: UUID, attempt: int) -> RunRecord | None:
    """The run, if this attempt may still write."""
    record = session.get(RunRecord, run_id, with_for_update=True)
    late = record is None or record.attempt != attempt or State(record.state).over
    return None if late else record


def view(session: Session, record: RunRecord) -> RunView:
    author = session.get(UserRecord, record.created_by) if record.created_by else None
    names = {one: session.get(VersionRecord, one) for one in (record.start_id, record.version_id) if one}
    made, began = (names.get(one) if one else None for one in (record.version_id, record.start_id))
    plain = ("id", "application", "dataset_id", "dataset", "recipe_name", "recipe", "stop", "curves", "log")
    return RunView(
        **{name: getattr(record, name) for name in (*plain, "version_id", "worker", "created_at")},
        start=began.name if began else None,
        state=State(record.state),
        failure=Failure.model_validate(record.failure) if record.failure else None,
        version=made.name if made else None,
        created_by=author.email if author else None,
        started_at=record.started_at,
        finished_at=record.finished_at,
    )
