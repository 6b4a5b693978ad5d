"""Who did what, for administrators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from atisbo.services import audit
from atisbo.web.deps import CurrentActor, Db

router = APIRouter(tags=["audit"])
Word = Annotated[str | None, Query(max_length=120, pattern=r"^[^\x00]*$")]


class AuditEntry(BaseModel):
    """`email` and `address` are gone once the account is erased; `actor_id` stays, and stands for nobody then."""

    number: int
    at: datetime
    actor_id: UUID | None
    email: str | None
    action: str
    subject: str
    facts: dict[str, Any]
    address: str | None


class AuditPage(BaseModel):
    items: list[AuditEntry]
    next: int | None
    """Where to go on: `before` of the next request."""


@router.get("/audit")
def list_audit(
    db: Db,
    actor: CurrentActor,
    action: Word = None,
    subject: Word = None,
    actor_id: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[int | None, Query(ge=1, lt=2**62)] = None,
) -> AuditPage:
    """Newest first."""
    page = audit.list_(db, actor, action=action, actor_id=actor_id, subject=subject, limit=limit, before=before)
    return AuditPage(items=[AuditEntry(**vars(one)) for one in page.items], next=page.next)
