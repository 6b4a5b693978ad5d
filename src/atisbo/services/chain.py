"""Whether the audit log is whole: for the operator, on a terminal."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.errors import Misconfigured
from atisbo.store.accounts import UserRecord
from atisbo.store.audit import (
    ORIGIN,
    AuditAddressRecord,
    AuditHeadRecord,
    AuditRecord,
    hash_of,
    head_seal,
    sealed,
    veiled,
)

_PAGE: Final = 1000


@dataclass(frozen=True)
class Anchor:
    """Where the chain ended when it was looked at; kept elsewhere, shows later what was cut off."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"

    @classmethod
    def read(cls, said: str) -> Anchor:
        """Raises Misconfigured for what ``atisbo audit head`` did not print."""
        number, _, value = said.strip().partition(":")
        try:
            return cls(int(number), bytes.fromhex(value))
        except ValueError as error:
            raise Misconfigured(
                "anchor_wrong", "An anchor looks like 12:5feceb66…, as atisbo audit head prints it."
            ) from error


@dataclass(frozen=True)
class Fault:
    """The first row that is not as it was written."""

    number: int
    what: str


def head(session: Session) -> Anchor | None:
    """Where the chain ends by its sealed head; None for an empty one."""
    record = session.get(AuditHeadRecord, 1)
    return Anchor(record.number, record.hash) if record else None


def verify(session: Session, *, anchor: Anchor | None = None) -> Fault | int:
    """The number of rows if all are as they were written, in order and to the end; else the first that is not."""
    key: bytes = session.info["audit_key"]
    number, previous = 0, ORIGIN
    query = select(AuditRecord).order_by(AuditRecord.number).execution_options(yield_per=_PAGE)
    with closing(session.scalars(query)) as records:
        for record in records:
            number += 1
            what = _wrong(record, number, previous, key)
            if what is None and anchor is not None and number == anchor.number and record.hash != anchor.hash:
                what = "is another one than when the anchor was taken"
            if what is not None:
                return Fault(number, what)
            previous = record.hash
            session.expunge(record)
    return _end(session, key, number, previous, anchor) or _addresses(session) or number


def _wrong(record: AuditRecord, number: int, previous: bytes, key: bytes) -> str | None:
    if record.number != number:
        return "was dropped"
    genuine = hmac.compare_digest(record.seal, sealed(key, record.hash))
    if genuine and record.hash == hash_of(record):
        return None if record.previous == previous else "does not follow on the row before it"
    if genuine and (place := _place(record)):
        return f"is not in its place: it was written as row {place}"
    return "was changed"


def _place(record: AuditRecord) -> int | None:
    """The number that the row was written with, looked for nearby."""
    near = range(max(1, record.number - _PAGE), record.number + _PAGE)
    return next((number for number in near if hash_of(record, number=number) == record.hash), None)


def _end(session: Session, key: bytes, number: int, last: bytes, anchor: Anchor | None) -> Fault | None:
    record = session.get(AuditHeadRecord, 1)
    if record is None:
        return Fault(1 if number == 0 else number + 1, "may be missing: the end of the log is gone") if number else None
    if not hmac.compare_digest(record.seal, head_seal(key, record.number, record.hash)):
        return Fault(number + 1, "may be missing: the end of the log was written by somebody else")
    longest = max(record.number, anchor.number if anchor else 0)
    if longest > number:
        return Fault(number + 1, "was dropped, with all after it")
    return None if record.hash == last else Fault(number, "is not the one that the log ended with")


def _addresses(session: Session) -> Fault | None:
    """An address that was changed, or removed though its person's account is still there."""
    kept = AuditAddressRecord
    query = (
        select(AuditRecord.number, AuditRecord.address_hash, kept.address, kept.salt, UserRecord.id)
        .outerjoin(AuditAddressRecord, AuditAddressRecord.number == AuditRecord.number)
        .outerjoin(UserRecord, UserRecord.id == AuditRecord.actor_id)
        .where(AuditRecord.address_hash.is_not(None))
        .order_by(AuditRecord.number)
        .execution_options(yield_per=_PAGE)
    )
    with closing(session.execute(query)) as rows:
        for number, expected, address, salt, person in cast(Iterable[tuple[Any, ...]], rows):
            if address is None and person is not None:
                return Fault(number, "lost the address that it came from")
            if address is not None and veiled(address, salt) != expected:
                return Fault(number, "had its address changed")
    return None
