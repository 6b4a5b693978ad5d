"""Everything of one's own as one archive, made while it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.exports import README
from atisbo.services import audit, lineage, webhooks
from atisbo.services.packing import packed
from atisbo.services.work import Workplace
from atisbo.store.accounts import InvitationRecord, PersonalTokenRecord, RefreshTokenRecord, SessionRecord, UserRecord
from atisbo.store.blobs import Blobs, derived, original
from atisbo.store.consents import ConsentRecord
from atisbo.store.datasets import DatasetRecord
from atisbo.store.db import Base
from atisbo.store.deletions import DeletionRecord
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.images import ImageRecord
from atisbo.store.notices import NoticeRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import PanelRecord, ReadingRecord
from atisbo.store.reviews import ReviewRecord
from atisbo.store.runs import RunRecord
from atisbo.store.scenarios import ScenarioRecord
from atisbo.store.second_factors import SecondFactorRecord
from atisbo.store.versions import ActivationRecord, VersionRecord
from atisbo.store.webhooks import WebhookKeyRecord, WebhookRecord

Row = dict[str, Any]
_SECRET: Final = frozenset({"password_hash", "token_hash", "reset_hash", "recovery", "kept"})
_PAGE: Final = 50
_ENDING: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def export(workplace: Workplace, actor: Actor) -> Iterator[bytes]:
    """A ZIP of account, consents, reviews, images and answers, in pieces; nothing but one image is held at a time.

    No transaction stays open while it is sent: what is deleted meanwhile is left out.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    workplace.within(lambda session: audit.note(session, actor, "user.exported", f"user:{actor.user_id}"))
    return packed(_entries(workplace, actor))


def _entries(workplace: Workplace, actor: Actor) -> Iterator[tuple[str, bytes]]:
    for language in ("es", "en"):
        yield f"README.{language}.txt", README.in_(language).encode()
    yield "account.json", _json(workplace.within(lambda session: _account(session, actor)))
    yield "consents.json", _json(workplace.within(lambda session: _rows(session, ConsentRecord, "user_id", actor)))
    yield "reviews.json", _json(workplace.within(lambda session: _rows(session, ReviewRecord, "author_id", actor)))
    yield "datasets.json", _json(workplace.within(lambda session: _datasets(session, actor)))
    yield "webhooks.json", _json(workplace.within(lambda session: _webhooks(session, actor)))
    yield "log.json", _json(workplace.within(lambda session: [vars(said) for said in audit.mine(session, actor)]))
    for image in _images(workplace, actor):
        yield from _image(workplace.blobs, image)


def _account(session: Session, actor: Actor) -> Row:
    return {
        "account": _rows(session, UserRecord, "id", actor),
        "sessions": _rows(session, SessionRecord, "user_id", actor),
        "personal_tokens": _rows(session, PersonalTokenRecord, "user_id", actor),
        "refresh_tokens": _rows(session, RefreshTokenRecord, "user_id", actor),
        "invitations": _rows(session, InvitationRecord, "created_by", actor),
        "versions": _rows(session, VersionRecord, "created_by", actor),
        "activations": _rows(session, ActivationRecord, "by_id", actor),
        "runs": _rows(session, RunRecord, "created_by", actor),
        "readings": _rows(session, ReadingRecord, "reader_id", actor),
        "panels": _rows(session, PanelRecord, "asked_by", actor),
        "scenarios": _rows(session, ScenarioRecord, "owner_id", actor),
        "second_factors": _rows(session, SecondFactorRecord, "user_id", actor),
        "notices": _rows(session, NoticeRecord, "owner_id", actor),
        "deletions": _rows(session, DeletionRecord, "owner_id", actor),
    }


def _webhooks(session: Session, actor: Actor) -> Row:
    return {
        "asked": _rows(session, WebhookRecord, "owner_id", actor),
        "tries": [
            {"webhook_id": told.id} | vars(one)
            for told in webhooks.mine(session, actor, limit=100_000)
            for one in told.tries
        ],
        "secret": _rows(session, WebhookKeyRecord, "user_id", actor),
    }


def _datasets(session: Session, actor: Actor) -> Row:
    return {
        "used_my_images": [vars(use) for use in lineage.of_owner(session, actor)],
        "made": _rows(session, DatasetRecord, "created_by", actor),
    }


def _rows(session: Session, kind: type[Base], owner: str, actor: Actor) -> list[Row]:
    return [_row(record) for record in session.scalars(select(kind).where(getattr(kind, owner) == actor.user_id))]


def _row(record: Base) -> Row:
    """Every column but secrets, and but what was deleted and is only there to be brought back."""
    names = [column.key for column in inspect(type(record)).column_attrs]
    return {name: getattr(record, name) for name in names if name not in _SECRET}


def _images(workplace: Workplace, actor: Actor) -> Iterator[Row]:
    """Each image's row with those of its predictions, a few at a time."""
    last = UUID(int=0)
    while True:
        page = workplace.within(lambda session, after=last: _some(session, actor, after))  # type: ignore[misc]
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]["id"]


def _some(session: Session, actor: Actor, after: UUID) -> list[Row]:
    images = select(ImageRecord).where(ImageRecord.owner_id == actor.user_id, ImageRecord.id > after)
    rows = {
        image.id: _row(image) | {"predictions": []}
        for image in session.scalars(images.order_by(ImageRecord.id).limit(_PAGE))
    }
    predictions = select(PredictionRecord).where(PredictionRecord.image_id.in_(rows))
    for record in session.scalars(predictions.order_by(PredictionRecord.created_at)):
        rows[record.image_id]["predictions"].append(_row(record))
    embeddings = select(EmbeddingRecord).where(EmbeddingRecord.image_id.in_(rows))
    for embedding in session.scalars(embeddings.order_by(EmbeddingRecord.created_at)):
        if embedding.image_id is not None:
            rows[embedding.image_id].setdefault("embeddings", []).append(_row(embedding))
    return list(rows.values())


def _image(blobs: Blobs, image: Row) -> Iterator[tuple[str, bytes]]:
    folder = f"images/{image['id']}"
    yield f"{folder}/image.json", _json(image)
    data = blobs.get(original(image["sha256"]))
    if data is not None:
        yield f"{folder}/original{ending(image['file_name'])}", data
    for prediction in image["predictions"]:
        home = derived(prediction["id"], "")
        for name in sorted(blobs.names(home)):
            picture = blobs.get(name)
            if picture is not None:
                yield f"{folder}/{prediction['id']}/{name.rsplit('/', 1)[-1]}", picture


def ending(file_name: str) -> str:
    """Of a file name as it was sent: a dot and a few letters, or nothing."""
    found = _ENDING.search(file_name)
    return found[0].lower() if found else ""


def _json(value: object) -> bytes:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
