"""Who did what: rows that are only ever added, each holding the hash of the one before it.

A row's ``hash`` is SHA-256 over its canonical JSON, which holds the hash before it; its ``seal`` is an HMAC over the
hash with a key of the service, so that whoever rules the database but not the service cannot write the chain anew. The
sealed head says where the chain ends. Where a request came from is kept beside the chain, which holds only a salted
hash of it: it goes with the account, and the chain stays whole.
"""

from __future__ import annotations

import hmac
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, SmallInteger, String, event, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column

from atisbo.store.accounts import UserRecord
from atisbo.store.db import Base, now

_LOCK: Final = 7_245_003
_PENDING: Final = "audit_pending"
ORIGIN: Final = bytes(32)
"""Stands for the hash before the first row."""


class AuditRecord(Base):
    """One thing that was done. The database refuses to change or remove it."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_actor", "actor_id", "number"),
        Index("ix_audit_action", "action", "number"),
        Index("ix_audit_subject", "subject", "number"),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 …, without gaps."""
    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID | None]
    """Stays when the account is erased, and then stands for nobody who could be found."""
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(120))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    address_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    """The hash of the row before it."""
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)


class AuditAddressRecord(Base):
    """Where a row's request came from, until its person's account is erased."""

    __tablename__ = "audit_addresses"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    address: Mapped[str] = mapped_column(String(64))
    salt: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHeadRecord(Base):
    """Where the chain ends; a single row."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)


@dataclass(frozen=True)
class Entry:
    """What is to be written; ``person_id`` is whose ``address`` it is."""

    actor_id: uuid.UUID | None
    action: str
    subject: str
    facts: dict[str, Any]
    address: str = ""
    person_id: uuid.UUID | None = None


def hash_of(record: AuditRecord, *, number: int | None = None) -> bytes:
    """SHA-256 over the row in one way of writing, the hash before it included; as if it had ``number``, if given."""
    said = {
        "number": record.number if number is None else number,
        "at": record.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": str(record.actor_id) if record.actor_id else None,
        "action": record.action,
        "subject": record.subject,
        "facts": record.facts,
        "address": record.address_hash.hex() if record.address_hash is not None else None,
        "previous": record.previous.hex(),
    }
    return sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()).digest()


def sealed(key: bytes, value: bytes) -> bytes:
    return hmac.digest(key, value, "sha256")


def head_seal(key: bytes, number: int, value: bytes) -> bytes:
    return sealed(key, b"head" + number.to_bytes(8) + value)


def veiled(address: str, salt: bytes) -> bytes:
    """The address as the chain holds it; without the salt nobody can find out which it was."""
    return sha256(salt + address.encode()).digest()


def remember(session: Session, entry: Entry) -> None:
    """Have the entry written when the session commits; it is forgotten if the savepoint it was made in goes back.

    Written last, so that the lock on the chain is held for a moment only and no other lock is waited for under it.
    """
    within = session.get_nested_transaction() or session.get_transaction()
    session.info.setdefault(_PENDING, []).append((within, entry))


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, rolled_back: SessionTransaction) -> None:
    pending = session.info.get(_PENDING)
    if pending:
        session.info[_PENDING] = [(made, entry) for made, entry in pending if not _inside(made, rolled_back)]


def _inside(made: SessionTransaction | None, other: SessionTransaction) -> bool:
    while made is not None and made is not other:
        made = made.parent
    return made is other


@event.listens_for(Session, "before_commit")
def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return
    pending = session.info.pop(_PENDING, [])
    if pending:
        session.flush()
        _append(session, [entry for _, entry in pending])


def _append(session: Session, entries: Sequence[Entry]) -> None:
    persons = {entry.person_id for entry in entries if entry.person_id}
    there = set(
        session.scalars(
            select(UserRecord.id).where(UserRecord.id.in_(persons)).with_for_update(read=True, key_share=True)
        )
    )
    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    number, previous = _end(session)
    key: bytes = session.info["audit_key"]
    for entry in entries:
        number += 1
        record = _record(session, entry, number, keep=entry.person_id is None or entry.person_id in there)
        record.previous = previous
        record.hash = previous = hash_of(record)
        record.seal = sealed(key, previous)
        session.add(record)
    session.flush()
    head = {"number": number, "hash": previous, "seal": head_seal(key, number, previous)}
    session.execute(
        insert(AuditHeadRecord).values(id=1, **head).on_conflict_do_update(index_elements=["id"], set_=head)
    )


def _end(session: Session) -> tuple[int, bytes]:
    query = select(AuditRecord.number, AuditRecord.hash).order_by(AuditRecord.number.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return (row.number, row.hash) if row else (0, ORIGIN)


def _record(session: Session, entry: Entry, number: int, *, keep: bool) -> AuditRecord:
    record = AuditRecord(
        number=number,
        at=now(),
        actor_id=entry.actor_id,
        action=entry.action,
        subject=entry.subject,
        facts=entry.facts,
    )
    if entry.address and keep:
        salt = secrets.token_bytes(16)
        record.address_hash = veiled(entry.address, salt)
        kept = AuditAddressRecord(number=number, person_id=entry.person_id, address=entry.address, salt=salt)
        session.add(kept)
    return record
