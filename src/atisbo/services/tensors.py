"""Networks asked by program, tensor for tensor: fitted pixels in, probabilities out; nothing of it is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.cards import Card
from atisbo.domain.tensors import Tensor
from atisbo.errors import Invalid, NotFound
from atisbo.services import consents
from atisbo.services.system import SILENT_S
from atisbo.services.versions import Installed
from atisbo.store import versions as store
from atisbo.store.db import now
from atisbo.store.queue import TENSORS, URGENT, enqueue
from atisbo.store.tensors import Given, TensorRecord, forget, give, take
from atisbo.store.versions import VersionRecord
from atisbo.store.workers import WorkerRecord

__all__ = ["PIXELS", "Given", "Meant", "admit", "answers", "begin", "forget", "give", "meant", "ready", "take", "to_do"]

PIXELS: Final = "pixels"
MOST: Final = 32
"""Pictures in one request."""


class Meant(NamedTuple):
    """The version that a request is about; one that is not active is loaded for it."""

    application: str
    card: Card
    active: bool


def meant(session: Session, actor: Actor, installed: Installed, *, model: str, version: str | None) -> Meant:
    """By an application's name, with or without a version's, or by a version's name alone.

    Raises:
        NotFound: no such version, or one that never answered and is not the actor's to see.
        NotAllowed: it is not active, and the actor is nobody who looks after versions.
    """
    for name, (_, card) in installed.items():
        if (model == name and version in (None, card.version)) or (model == card.version and version is None):
            return Meant(name, card, True)
    wanted = version if model in installed else model
    query = store.readable(actor).where(VersionRecord.name == wanted, VersionRecord.application.in_(list(installed)))
    record = session.scalar(query.where(VersionRecord.application == model) if version is not None else query)
    if record is None:
        raise NotFound("version_unknown", "There is no such version.")
    actor.require(Right.MANAGE_VERSIONS)
    return Meant(record.application, Card.model_validate(record.card), False)


def answers(card: Card) -> dict[str, list[int]]:
    """What comes back, all FP32, with its shape; -1 for what a request or the network decides."""
    labels = len(card.output.labels)
    found = {"scores": [-1, labels, -1, -1] if card.task == "segmentation" else [-1, labels]}
    if card.output.embedding is not None:
        found["embedding"] = [-1, -1]
    if card.gate is not None:
        found["kinds"] = [-1, len(card.gate.kinds)]
    if card.structures is not None:
        found["structures"] = [-1, len(card.structures.output.labels), -1, -1]
    return found


def admit(actor: Actor) -> None:
    """Before a request is read. Raises NotAllowed: the actor may not ask."""
    actor.require(Right.PREDICT)


def begin(session: Session, actor: Actor, asked: Meant, tensors: tuple[Tensor, ...]) -> UUID:
    """Ask a worker; returns what the answer is fetched with, once.

    Raises:
        ConsentNeeded: the actor has not agreed to the terms.
        Invalid: the tensors are not what the network takes; the sentence says what it does.
    """
    consents.require(session, actor)
    pixels = _fitting(tensors, asked.card)
    record = TensorRecord(
        application=asked.application,
        version=None if asked.active else asked.card.version,
        shape=list(pixels.shape),
        pixels=pixels.data,
    )
    session.add(record)
    session.flush()
    enqueue(session, TENSORS, {"tensor": str(record.id)}, priority=URGENT)
    return record.id


def ready(session: Session, asked: Meant) -> bool:
    """Whether a worker that lives answers with the active version."""
    living = select(WorkerRecord.versions).where(WorkerRecord.seen_at > now() - timedelta(seconds=SILENT_S))
    return any(answered.get(asked.application) == asked.card.version for answered in session.scalars(living))


def _fitting(tensors: tuple[Tensor, ...], card: Card) -> Tensor:
    height, width = card.input.size
    wanted = f"one tensor, {PIXELS}: UINT8, [1 to {MOST}, {height}, {width}, 3], RGB"
    if len(tensors) == 1:
        said = tensors[0]
        if (said.name, said.datatype, said.shape[1:]) == (PIXELS, "UINT8", (height, width, 3)) and 1 <= said.shape[
            0
        ] <= MOST:
            return said
    raise Invalid("tensors_unfit", "The network takes {wanted}. Send that.", wanted=wanted)


class Order(NamedTuple):
    """For workers: ``card`` is None for the active version."""

    application: str
    card: Card | None
    shape: tuple[int, ...]
    pixels: bytes


def to_do(session: Session, tensor_id: UUID) -> Order | None:
    """For workers: what is asked, if somebody still waits for it."""
    record = session.get(TensorRecord, tensor_id)
    if record is None or record.said is not None:
        return None
    found = None
    if record.version is not None:
        query = select(VersionRecord.card).where(
            VersionRecord.application == record.application, VersionRecord.name == record.version
        )
        found = Card.model_validate(session.scalars(query).one())
    return Order(record.application, found, tuple(record.shape), bytes(record.pixels))
