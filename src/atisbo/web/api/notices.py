"""What long work has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from atisbo.services import notices
from atisbo.services.notices import Kind, Notice
from atisbo.web.deps import CurrentActor, Db
from atisbo.web.render import Translate, translator

router = APIRouter(tags=["account"])


class NoticeShape(BaseModel):
    id: UUID
    kind: Kind
    said: str
    """In the reader's language."""
    link: str
    """Page of what it is about."""
    created_at: datetime
    seen: bool


class NoticePage(BaseModel):
    unseen: int
    items: list[NoticeShape]


@router.get("/notices")
def list_(request: Request, db: Db, actor: CurrentActor, limit: Annotated[int, Query(ge=0, le=100)] = 50) -> NoticePage:
    """One's own, newest first; `/events` says `notice` when there is a new one. Being read here they stay unseen."""
    _ = translator(request)
    items = [shape(_, one) for one in notices.list_(db, actor, limit=limit)]
    return NoticePage(unseen=notices.unseen(db, actor), items=items)


def shape(_: Translate, notice: Notice) -> NoticeShape:
    return NoticeShape(
        id=notice.id,
        kind=notice.kind,
        said=_said(_, notice),
        link=_link(notice),
        created_at=notice.created_at,
        seen=notice.seen,
    )


def _said(_: Translate, notice: Notice) -> str:
    about, failed = notice.about, bool(notice.about["failed"])
    if notice.kind is Kind.BATCH and failed:
        return _("{count} images are answered; {failed} failed.", count=about["count"], failed=about["failed"])
    if notice.kind is Kind.BATCH:
        return _("{count} images are answered.", count=about["count"])
    if notice.kind is Kind.DATASET:
        words = _("The dataset {name} could not be made.") if failed else _("The dataset {name} is ready.")
    else:
        words = _("The training {name} failed.") if failed else _("The training {name} is done.")
    return words.replace("{name}", about["name"])


def _link(notice: Notice) -> str:
    if notice.kind is Kind.BATCH:
        return f"/a/{notice.about['application']}/batch"
    places = {Kind.DATASET: "datasets", Kind.RUN: "runs"}
    return f"/manage/{places[notice.kind]}/{notice.about['id']}"
