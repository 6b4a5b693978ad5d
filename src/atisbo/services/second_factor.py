"""A second factor: codes of six digits that change every half minute (TOTP, RFC 6238), and recovery codes."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import jwt
import pyotp
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from atisbo.config import Secrets
from atisbo.domain.access import Actor, Right
from atisbo.errors import Conflict, Invalid, NotSignedIn, SecondFactorNeeded
from atisbo.services import audit
from atisbo.store.accounts import UserRecord, hashed
from atisbo.store.db import now
from atisbo.store.second_factors import SecondFactorRecord

STEP_S: Final = 30
RECOVERY_CODES: Final = 8
TICKET_S: Final = 300
MOST_WRONG: Final = 100
"""Codes in a row that may be wrong; then only a recovery code opens (NIST SP 800-63B, section 3.2.2)."""
WRONG: Final = "second_factor_wrong"
_TICKET: Final = "second-factor-ticket"


@dataclass(frozen=True)
class SetUp:
    """What the person's app needs; ``uri`` is what a QR code of it says."""

    secret: str
    uri: str


def is_on(session: Session, user_id: UUID) -> bool:
    record = session.get(SecondFactorRecord, user_id)
    return record is not None and record.confirmed_at is not None


def set_up(session: Session, keys: Secrets, actor: Actor) -> SetUp:
    """Begin: a new secret, which counts once a code of it was right.

    Raises:
        Conflict: it is on already.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    record = session.get(SecondFactorRecord, actor.user_id, with_for_update=True)
    if record is not None and record.confirmed_at is not None:
        raise Conflict("second_factor_on", "The second factor is on already. Turn it off first.")
    if record is None:
        record = SecondFactorRecord(user_id=actor.user_id, generation=1)
        session.add(record)
    else:
        record.generation += 1
    session.flush()
    return pending(session, keys, actor)


def pending(session: Session, keys: Secrets, actor: Actor) -> SetUp:
    """What was begun; for the page that shows it again after a wrong code.

    Raises:
        Conflict: nothing was begun.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    record = session.get(SecondFactorRecord, actor.user_id)
    if record is None or record.confirmed_at is not None:
        raise Conflict("second_factor_not_begun", "Begin setting the second factor up again.")
    totp = _totp(keys, record)
    return SetUp(totp.secret, totp.provisioning_uri(name=actor.email, issuer_name="Atisbo"))


def confirm(session: Session, keys: Secrets, actor: Actor, *, code: str) -> list[str]:
    """Turn it on with the app's first code; returns recovery codes, which are stored only as hashes.

    Raises:
        Conflict: nothing was begun.
        Invalid: the code is wrong.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    pending(session, keys, actor)
    record = _locked(session, actor.user_id)
    if record is None or not _take(keys, record, code):
        raise Invalid(
            "second_factor_code", "This code is not right. Check the clock of your telephone and try the next one."
        )
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
    record.confirmed_at, record.recovery = now(), [hashed(one) for one in codes]
    audit.note(session, actor, "second_factor.turned_on", f"user:{actor.user_id}")
    return codes


def turn_off(session: Session, keys: Secrets, actor: Actor, *, code: str) -> None:
    """Raises Invalid for a wrong code."""
    actor.require(Right.MANAGE_ACCOUNT)
    record = _locked(session, actor.user_id)
    if record is None or not _take(keys, record, code):
        raise Invalid(
            "second_factor_code", "This code is not right. Check the clock of your telephone and try the next one."
        )
    _forget(record)
    audit.note(session, actor, "second_factor.turned_off", f"user:{actor.user_id}")


def remove(session: Session, user: UserRecord) -> None:
    """For operators: somebody lost telephone and recovery codes."""
    record = _locked(session, user.id)
    if record is not None:
        _forget(record)
    audit.note(session, None, "second_factor.removed", f"user:{user.id}", by="operator")


def check(session: Session, keys: Secrets | None, user: UserRecord, code: str) -> None:
    """After the password: nothing where it is off.

    Raises:
        SecondFactorNeeded: no code came.
        NotSignedIn: the code is wrong, or was used before.
    """
    if not is_on(session, user.id):
        return
    if keys is None or not code.strip():
        raise SecondFactorNeeded(
            "second_factor_needed",
            "Give the code of your second factor as well.",
            ticket=_ticket(keys, user) if keys else "",
        )
    record = _locked(session, user.id)
    if record is None or not _take(keys, record, code):
        raise NotSignedIn(WRONG, "The code is wrong or was used before. Try the next one.")


def note_wrong(session: Session, user_id: UUID) -> None:
    """Somebody knew the password and guessed the code; not in the sign-in's own transaction, which is rolled back."""
    session.execute(
        update(SecondFactorRecord)
        .where(SecondFactorRecord.user_id == user_id)
        .values(wrong=SecondFactorRecord.wrong + 1)
    )


def holder(session: Session, keys: Secrets, ticket: str) -> UserRecord:
    """Whoever gave the right password a moment ago.

    Raises:
        NotSignedIn: too long ago, or the password has changed since.
    """
    try:
        said = jwt.decode(ticket, keys.key(_TICKET), algorithms=["HS256"], options={"require": ["exp", "sub", "pwd"]})
        user = session.get(UserRecord, UUID(said["sub"]))
    except (jwt.InvalidTokenError, ValueError):
        user = None
    if user is None or user.disabled_at is not None or not hmac.compare_digest(said["pwd"], _mark(user)):
        raise NotSignedIn("second_factor_late", "That took too long. Sign in again.")
    return user


def _ticket(keys: Secrets, user: UserRecord) -> str:
    said = {"sub": str(user.id), "pwd": _mark(user), "exp": int(time.time()) + TICKET_S}
    return jwt.encode(said, keys.key(_TICKET), algorithm="HS256")


def _mark(user: UserRecord) -> str:
    return hashed(user.password_hash).hex()[:32]


def _forget(record: SecondFactorRecord) -> None:
    """The next one gets another secret."""
    record.confirmed_at, record.recovery, record.wrong = None, [], 0
    record.generation += 1


def _locked(session: Session, user_id: UUID) -> SecondFactorRecord | None:
    return session.scalar(
        select(SecondFactorRecord)
        .where(SecondFactorRecord.user_id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _totp(keys: Secrets, record: SecondFactorRecord) -> pyotp.TOTP:
    secret = keys.key(f"second-factor {record.user_id} {record.generation}")[:20]
    return pyotp.TOTP(base64.b32encode(secret).decode(), interval=STEP_S)


def _take(keys: Secrets, record: SecondFactorRecord, code: str) -> bool:
    """Use a code up: of this half minute or of its neighbours, or one of the recovery codes."""
    said, totp, current = "".join(code.split()).lower(), _totp(keys, record), int(time.time()) // STEP_S
    for step in (current, current - 1, current + 1) if record.wrong < MOST_WRONG else ():
        if step > record.last_step and hmac.compare_digest(totp.generate_otp(step).encode(), said.encode()):
            record.last_step, record.wrong = step, 0
            return True
    spent = hashed(said)
    if spent in record.recovery:
        record.recovery, record.wrong = [one for one in record.recovery if one != spent], 0
        return True
    return False
