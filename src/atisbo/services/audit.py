"""Writing down who did what, reading it, and telling whether it was tampered with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.errors import Invalid
from atisbo.store import audit as store
from atisbo.store.accounts import UserRecord
from atisbo.store.audit import AuditAddressRecord, AuditRecord, Entry

__all__ = ["AuditView", "Page", "list_", "note"]

_EXACT: Final = 1e15
"""Below it the database gives a number back as it was written."""


@dataclass(frozen=True)
class AuditView:
    """``email`` and ``address`` are None once the account is erased."""

    number: int
    at: datetime
    actor_id: UUID | None
    email: str | None
    action: str
    subject: str
    facts: dict[str, Any]
    address: str | None


@dataclass(frozen=True)
class Page:
    """Newest first; ``next`` continues where this page ends."""

    items: list[AuditView]
    next: int | None


def note(
    session: Session,
    actor: Actor | None,
    action: str,
    subject: str,
    *,
    address: str = "",
    person_id: UUID | None = None,
    **facts: object,
) -> None:
    """Write down, in the caller's transaction, that this was done; nothing that names a person belongs in ``facts``.

    Args:
        action: noun and past participle, such as ``image.deleted``.
        subject: kind and identity of the thing, such as ``image:0b5c…``.
        address: where the request came from, if no actor says so; ``person_id`` is then whose it is.
    """
    entry = Entry(
        actor_id=actor.user_id if actor else None,
        action=action,
        subject=subject[:120],
        facts={name: _plain(value) for name, value in facts.items()},
        address=(actor.address if actor else address)[:64],
        person_id=actor.user_id if actor else person_id,
    )
    store.remember(session, entry)


def _plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and abs(value) < _EXACT):
        return value
    return str(value).replace("\x00", "")


def list_(
    session: Session,
    actor: Actor,
    *,
    action: str | None = None,
    actor_id: UUID | None = None,
    subject: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> Page:
    """What was done, newest first."""
    actor.require(Right.AUDIT)
    if before is not None and not 0 < before < 2**62:
        raise Invalid("cursor_wrong", "The continuation mark is not valid. Start from the first page.")
    query = _with_names()
    for column, wanted in (
        (AuditRecord.action, action),
        (AuditRecord.actor_id, actor_id),
        (AuditRecord.subject, subject),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if before is not None:
        query = query.where(AuditRecord.number < before)
    rows = session.execute(query.order_by(AuditRecord.number.desc()).limit(limit + 1)).all()
    items = [_view(record, email, address) for record, email, address in rows[:limit]]
    return Page(items, items[-1].number if len(rows) > limit else None)


def mine(session: Session, actor: Actor) -> list[AuditView]:
    """What the actor did, oldest first."""
    query = _with_names().where(AuditRecord.actor_id == actor.user_id).order_by(AuditRecord.number)
    return [_view(*row) for row in session.execute(query)]


def _with_names() -> Select[AuditRecord, str, str]:
    """Rows with the e-mail address of who did it and the network address that it came from, where still known."""
    return (
        select(AuditRecord, UserRecord.email, AuditAddressRecord.address)
        .outerjoin(UserRecord, UserRecord.id == AuditRecord.actor_id)
        .outerjoin(AuditAddressRecord, AuditAddressRecord.number == AuditRecord.number)
    )


def _view(record: AuditRecord, email: str | None, address: str | None) -> AuditView:
    return AuditView(
        number=record.number,
        at=record.at,
        actor_id=record.actor_id,
        email=email,
        action=record.action,
        subject=record.subject,
        facts=record.facts,
        address=address,
    )
