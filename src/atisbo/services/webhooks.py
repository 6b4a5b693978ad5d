"""Being told of an answer: asking for it, the signing secret, what was tried."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.config import Secrets, Settings
from atisbo.domain import webhooks as rules
from atisbo.domain.access import Actor, Right
from atisbo.domain.webhooks import State
from atisbo.errors import Conflict
from atisbo.services import audit, predictions
from atisbo.services.accounts import actor_of
from atisbo.services.answers import shape
from atisbo.store.accounts import UserRecord
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.webhooks import DeliveryRecord, WebhookKeyRecord, WebhookRecord, fire, rotation

_KEY: Final = "webhooks"
_GONE: Final = 410


@dataclass(frozen=True)
class TryView:
    """``status`` is what the receiver answered, else ``problem`` says in a word why there was no answer."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    problem: str | None


@dataclass(frozen=True)
class WebhookView:
    id: UUID
    prediction_id: UUID
    url: str
    state: State
    created_at: datetime
    finished_at: datetime | None
    tries: list[TryView]


@dataclass(frozen=True)
class Message:
    """What has to be sent now."""

    webhook_id: UUID
    url: str
    body: bytes
    secret: str


def check(session: Session, actor: Actor, settings: Settings, *, url: str) -> None:
    """Whether this actor may have ``url`` told.

    Raises:
        Invalid: webhooks are off, or the address is not one that they may go to.
        Conflict: there is no signing secret yet.
    """
    rules.target(url, settings.webhook_hosts, insecure=settings.webhook_http)
    if rotation(session, actor.user_id) is None:
        raise Conflict("webhook_secret", "Make a signing secret for webhooks first, on the page of your account.")


def arm(session: Session, actor: Actor, settings: Settings, *, prediction_id: UUID, url: str) -> None:
    """Have ``url`` told when the prediction is finished; at once if it is.

    Raises:
        Invalid, Conflict: see :func:`check`; Conflict also where the prediction has another webhook.
    """
    check(session, actor, settings, url=url)
    prediction = predictions.find(session, actor, prediction_id)
    values = {"prediction_id": prediction.id, "owner_id": actor.user_id, "url": url}
    session.execute(insert(WebhookRecord).values(values).on_conflict_do_nothing())
    known = session.scalar(select(WebhookRecord.url).where(WebhookRecord.prediction_id == prediction.id))
    if known != url:
        raise Conflict("webhook_other", "This prediction has another webhook already.")
    if prediction.finished_at is not None:
        fire(session, [prediction.id])


def make_secret(session: Session, actor: Actor, keys: Secrets) -> str:
    """A new signing secret, to be shown this once; the one before it is no longer used."""
    actor.require(Right.MANAGE_ACCOUNT)
    record = session.get(WebhookKeyRecord, actor.user_id, with_for_update=True)
    if record is None:
        record = WebhookKeyRecord(user_id=actor.user_id, rotation=1)
        session.add(record)
    else:
        record.rotation += 1
    session.flush()
    audit.note(session, actor, "webhook_secret.made", f"user:{actor.user_id}", rotation=record.rotation)
    return rules.secret(keys.key(_KEY), str(actor.user_id), record.rotation)


def secret_changed(session: Session, actor: Actor) -> datetime | None:
    """When one's own secret was last made; None without one."""
    actor.require(Right.PREDICT)
    record = session.get(WebhookKeyRecord, actor.user_id)
    return record.changed_at if record else None


def mine(session: Session, actor: Actor, *, limit: int = 50) -> list[WebhookView]:
    """One's own, newest first, with every try."""
    actor.require(Right.PREDICT)
    query = select(WebhookRecord).where(WebhookRecord.owner_id == actor.user_id)
    return [_view(one) for one in session.scalars(query.order_by(WebhookRecord.created_at.desc()).limit(limit))]


def _view(record: WebhookRecord) -> WebhookView:
    tries = [TryView(one.number, one.at, one.took_ms, one.status, one.problem) for one in record.tries]
    return WebhookView(
        id=record.id,
        prediction_id=record.prediction_id,
        url=record.url,
        state=State(record.state),
        created_at=record.created_at,
        finished_at=record.finished_at,
        tries=tries,
    )


def message(session: Session, keys: Secrets, *, webhook_id: UUID) -> Message | None:
    """For workers: what has to be sent; None if it was sent, given up, or deleted with its prediction."""
    record = session.get(WebhookRecord, webhook_id)
    if record is None or record.state != State.SENDING:
        return None
    owner = session.get_one(UserRecord, record.owner_id)
    turn = rotation(session, owner.id)
    prediction = session.get_one(PredictionRecord, record.prediction_id)
    if turn is None or owner.disabled_at is not None:
        record.state, record.finished_at = State.GIVEN_UP, now()
        return None
    language = actor_of(owner).language
    body = shape(predictions.view(session, prediction, queued=False), language).model_dump_json().encode()
    return Message(record.id, record.url, body, rules.secret(keys.key(_KEY), str(owner.id), turn))


def tried(session: Session, *, webhook_id: UUID, took_ms: int, status: int | None, problem: str | None) -> int | None:
    """For workers: write down what came of a try; returns how many have failed, None if no other has to follow."""
    record = session.get(WebhookRecord, webhook_id, with_for_update=True)
    if record is None or record.state != State.SENDING:
        return None
    number = len(record.tries) + 1
    record.tries.append(
        DeliveryRecord(webhook_id=record.id, number=number, took_ms=took_ms, status=status, problem=problem)
    )
    if status is not None and 200 <= status < 300:
        record.state, record.finished_at = State.DELIVERED, now()
        return None
    if status == _GONE or rules.pause(number) is None:
        record.state, record.finished_at = State.GIVEN_UP, now()
        return None
    return number
