"""Versions of the applications' networks: how they come, who may see them, what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application, contradiction
from atisbo.domain.cards import Card
from atisbo.domain.predictions import Failure
from atisbo.domain.versions import State, meaning, same_question
from atisbo.errors import AtisboError, Conflict, Invalid, NotFound
from atisbo.services import audit
from atisbo.store import versions as store
from atisbo.store.accounts import UserRecord
from atisbo.store.blobs import Blobs, digest, network
from atisbo.store.images import lock_originals
from atisbo.store.queue import PROVE, enqueue
from atisbo.store.versions import ActivationRecord, VersionRecord

Installed = Mapping[str, tuple[Application, Card]]


@dataclass(frozen=True)
class Origin:
    """Where a version comes from."""

    kind: Literal["folder", "file", "run"] = "file"
    run_id: UUID | None = None
    dataset_id: UUID | None = None
    note: str = ""


@dataclass(frozen=True)
class VersionView:
    id: UUID
    application: str
    name: str
    card: Card
    state: State
    origin: str
    run_id: UUID | None
    dataset_id: UUID | None
    parent: str | None
    """Name of the version that was active when this one came."""
    note: str
    failure: Failure | None
    evaluation: dict[str, Any] | None
    shadow_since: datetime | None
    created_by: str | None
    """Address of whoever brought it; None for the operator and for a deleted account."""
    created_at: datetime


@dataclass(frozen=True)
class Answering:
    """What a door needs to answer with a version."""

    card: Card
    model: str
    """SHA-256 of the network's file."""


def install(session: Session, installed: Installed) -> None:
    """Register what the applications' folders hold; a folder's version that is new becomes active by itself only where
    nothing is, or where what is came from the folder too: what a person promoted, a person replaces."""
    for application, card in installed.values():
        store.lock(session, application.name)
        present = store.active(session, application.name)
        if _known(session, application.name, card) is not None:
            continue
        record = _add(session, None, application.name, card, Origin("folder"), parent=present)
        record.state = State.SUBMITTED.value
        if present is None or present.origin == "folder":
            switch(session, None, record, kind="installed")


def keep(session: Session, blobs: Blobs, installed: Installed) -> None:
    """Put the folders' networks among the blobs, so that an older one is there when the folder holds another."""
    for application, card in installed.values():
        if _known(session, application.name, card) is not None and not blobs.has(network(card.sha256)):
            lock_originals(session, [card.sha256])
            blobs.put(network(card.sha256), application.model.read_bytes())


def submit(
    session: Session,
    actor: Actor | None,
    *,
    blobs: Blobs,
    application: Application,
    card: Card,
    model: bytes,
    origin: Origin | None = None,
) -> VersionView:
    """Store a network and its card, and have a worker try the one against the other.

    Args:
        actor: None for the operator and for a run.
        model: the ONNX file, which is not opened here.

    Raises:
        Invalid: the card is none for this application or for this file; the sentence says in what.
        Conflict: this very version is there already.
        StorageFull: there is no room for it.
    """
    _may(actor)
    store.lock(session, application.name)
    present = store.active(session, application.name)
    _check(application, card, model, present)
    if (known := _known(session, application.name, card)) is not None:
        raise Conflict("version_known", "This version is there already: {version}.", version=known.name)
    blobs.need_room(len(model))
    lock_originals(session, [card.sha256])
    blobs.put(network(card.sha256), model)
    record = _add(session, actor, application.name, card, origin or Origin(), parent=present)
    enqueue(session, PROVE, {"version": str(record.id)})
    facts: dict[str, Any] = {"application": record.application, "version": record.name, "origin": record.origin}
    audit.note(session, actor, "version.submitted", f"version:{record.id}", **facts)
    return view(session, record)


def _check(application: Application, card: Card, model: bytes, present: VersionRecord | None) -> None:
    if fault := contradiction(application, card):
        raise Invalid("version_contradiction", "The card does not fit this application. {fault}.", fault=fault)
    if digest(model) != card.sha256:
        raise Invalid("version_checksum", "The network is not the one that its card describes: the checksum differs.")
    if present is not None and not same_question(card, Card.model_validate(present.card)):
        raise Invalid(
            "version_question",
            "The labels are not those of the active version, so its answers and reviews would mean something else. "
            "Make another application for it.",
        )


def _known(session: Session, application: str, card: Card) -> VersionRecord | None:
    """The version with these weights under a card that says the same."""
    records = _of_weights(session, application, card)
    return next((one for one in records if meaning(Card.model_validate(one.card)) == meaning(card)), None)


def _of_weights(session: Session, application: str, card: Card) -> Sequence[VersionRecord]:
    query = select(VersionRecord).where(VersionRecord.application == application, VersionRecord.model == card.sha256)
    return session.scalars(query).all()


def _add(
    session: Session, actor: Actor | None, application: str, card: Card, origin: Origin, *, parent: VersionRecord | None
) -> VersionRecord:
    issue = 1 + max((one.card.get("issue", 1) for one in _of_weights(session, application, card)), default=0)
    card = card.model_copy(update={"issue": issue})
    record = VersionRecord(
        application=application,
        name=card.version,
        card=card.model_dump(mode="json"),
        model=card.sha256,
        origin=origin.kind,
        run_id=origin.run_id,
        dataset_id=origin.dataset_id,
        parent_id=parent.id if parent else None,
        note=origin.note[:2000],
        created_by=actor.user_id if actor else None,
    )
    session.add(record)
    session.flush()
    store.notify(session, application)
    return record


def switch(session: Session, actor: Actor | None, record: VersionRecord, *, kind: str, reason: str = "") -> None:
    """Make a version the one that answers; the caller holds the application's lock."""
    present = store.active(session, record.application)
    if present is not None:
        present.state = State.RETIRED.value
        session.flush()
    record.state, record.shadow_since = State.ACTIVE.value, None
    session.add(
        ActivationRecord(
            application=record.application,
            version_id=record.id,
            kind=kind,
            reason=reason,
            verdict=(record.evaluation or {}).get("verdict"),
            by_id=actor.user_id if actor else None,
        )
    )
    session.flush()
    store.notify(session, record.application)
    facts: dict[str, Any] = {
        "version": record.name,
        "kind": kind,
        "instead_of": present.name if present else None,
        "reason": reason,
    }
    audit.note(session, actor, "version.activated", f"version:{record.id}", application=record.application, **facts)


def answering(session: Session) -> dict[str, Answering]:
    """For doors: the active version of every application."""
    records = session.scalars(select(VersionRecord).where(VersionRecord.state == State.ACTIVE.value))
    return {one.application: Answering(Card.model_validate(one.card), one.model) for one in records}


def list_(session: Session, actor: Actor | None, *, application: str | None = None) -> list[VersionView]:
    """Newest first, the active one before all."""
    _may(actor)
    query = select(VersionRecord)
    if application is not None:
        query = query.where(VersionRecord.application == application)
    active = VersionRecord.state == State.ACTIVE.value
    records = session.scalars(query.order_by(VersionRecord.application, active.desc(), VersionRecord.created_at.desc()))
    return [view(session, record) for record in records]


def get(session: Session, actor: Actor | None, *, version_id: UUID) -> VersionView:
    """Raises NotFound: there is none."""
    return view(session, find(session, actor, version_id))


def find(session: Session, actor: Actor | None, version_id: UUID) -> VersionRecord:
    _may(actor)
    record = session.get(VersionRecord, version_id)
    if record is None:
        raise NotFound("version_unknown", "There is no such version.")
    return record


def card(session: Session, actor: Actor, *, application: str, name: str) -> Card:
    """The card of a version that answers or has answered, by the name that predictions give; curators see all.

    Raises:
        NotFound: there is none, or it never answered anybody.
    """
    query = store.readable(actor).where(VersionRecord.application == application, VersionRecord.name == name)
    record = session.scalar(query)
    if record is None:
        raise NotFound("version_unknown", "There is no such version.")
    return Card.model_validate(record.card)


def card_of(session: Session, *, version_id: UUID) -> Card | None:
    """For workers."""
    record = session.get(VersionRecord, version_id)
    return Card.model_validate(record.card) if record else None


def card_named(session: Session, *, application: str, name: str) -> Card | None:
    """For workers: the card of the version that predictions name so."""
    query = select(VersionRecord).where(VersionRecord.application == application, VersionRecord.name == name)
    record = session.scalar(query)
    return Card.model_validate(record.card) if record else None


def proven(session: Session, *, version_id: UUID, error: AtisboError | None = None) -> None:
    """For workers: the network fits its card, or was refused with an error. Saying it twice does no harm."""
    record = session.get(VersionRecord, version_id)
    if record is None or record.state != State.RECEIVED.value:
        return
    record.state = State.SUBMITTED.value
    if error is not None:
        said = Failure(code=error.code, message=error.message, values={k: str(v) for k, v in error.values.items()})
        record.state, record.failure = State.REFUSED.value, said.model_dump(mode="json")
    store.notify(session, record.application)


def _may(actor: Actor | None) -> None:
    if actor is not None:
        actor.require(Right.MANAGE_VERSIONS)


def view(session: Session, record: VersionRecord) -> VersionView:
    parent = session.get(VersionRecord, record.parent_id) if record.parent_id else None
    author = session.get(UserRecord, record.created_by) if record.created_by else None
    plain = ("id", "application", "name", "origin", "run_id", "dataset_id", "note")
    return VersionView(
        **{name: getattr(record, name) for name in plain},
        card=Card.model_validate(record.card),
        state=State(record.state),
        parent=parent.name if parent else None,
        failure=Failure.model_validate(record.failure) if record.failure else None,
        evaluation=record.evaluation,
        shadow_since=record.shadow_since,
        created_by=author.email if author else None,
        created_at=record.created_at,
    )
