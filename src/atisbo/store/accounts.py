"""Users, their browser sessions, refresh tokens, personal tokens and invitations. Every secret is stored as a hash."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, Text, bindparam, exists, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.domain.access import Role
from atisbo.store.db import Base, Identified, now


def hashed(token: str) -> bytes:
    """SHA-256 of a random token; tokens have 256 bits of their own, so no salt or stretching is needed."""
    return sha256(token.encode()).digest()


class UserRecord(Identified, Base):
    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("role IN ('user', 'curator', 'administrator')", name="role"),
    )

    email: Mapped[str] = mapped_column(String(254), unique=True)
    password_hash: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(5), default="en")
    """Empty until the first sign-in in a browser, where nobody has chosen one."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    disabled_at: Mapped[datetime | None]
    max_images: Mapped[int | None]
    """That the user may keep here; None for what the settings say."""
    max_bytes: Mapped[int | None] = mapped_column(BigInteger)
    reset_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    """Of the link with which a new password can be set, once."""
    reset_until: Mapped[datetime | None]


class UsageRecord(Base):
    """What a user keeps here; a trigger on the images counts."""

    __tablename__ = "usage"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    images: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)


def _owner() -> Mapped[uuid.UUID]:
    return mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


@dataclass(frozen=True)
class Room:
    """How much a user may keep here."""

    images: int
    bytes: int


class SessionRecord(Base):
    """A signed-in browser."""

    __tablename__ = "sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[uuid.UUID] = _owner()
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(String(64), default="")
    user_agent: Mapped[str] = mapped_column(String(300), default="")


class RefreshTokenRecord(Identified, Base):
    """One link of a chain: using it makes the next; using it twice revokes the whole family."""

    __tablename__ = "refresh_tokens"

    family: Mapped[uuid.UUID] = mapped_column(index=True)
    user_id: Mapped[uuid.UUID] = _owner()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PersonalTokenRecord(Identified, Base):
    """A long-lived token for scripts, with scopes."""

    __tablename__ = "personal_tokens"

    user_id: Mapped[uuid.UUID] = _owner()
    name: Mapped[str] = mapped_column(String(80))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str] = mapped_column(String(12))
    """Its first characters, to tell tokens apart."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(30)))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class InvitationRecord(Identified, Base):
    __tablename__ = "invitations"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(20))
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def administrators(session: Session) -> set[uuid.UUID]:
    """All who look after the installation, held in one order until the transaction ends, so that of two who would each
    leave it to the other the second hears of the first."""
    enabled = UserRecord.role == Role.ADMINISTRATOR.value, UserRecord.disabled_at.is_(None)
    return set(session.scalars(select(UserRecord.id).where(*enabled).order_by(UserRecord.id).with_for_update()))


def by_email(session: Session, email: str) -> UserRecord | None:
    return session.scalar(select(UserRecord).where(UserRecord.email == email.lower()))


# Every request asks one of these: they are put together once.
_BY_SESSION: Final = (
    select(UserRecord)
    .join(SessionRecord)
    .where(
        SessionRecord.token_hash == bindparam("token_hash"),
        SessionRecord.expires_at > bindparam("now"),
        UserRecord.disabled_at.is_(None),
    )
)
_BY_FAMILY: Final = select(UserRecord).where(
    UserRecord.id == bindparam("user_id"),
    UserRecord.disabled_at.is_(None),
    exists().where(
        RefreshTokenRecord.family == bindparam("family"),
        RefreshTokenRecord.user_id == UserRecord.id,
        RefreshTokenRecord.revoked_at.is_(None),
    ),
)
_BY_PERSONAL_TOKEN: Final = (
    select(UserRecord, PersonalTokenRecord)
    .join(PersonalTokenRecord, PersonalTokenRecord.user_id == UserRecord.id)
    .where(
        PersonalTokenRecord.token_hash == bindparam("token_hash"),
        PersonalTokenRecord.expires_at > bindparam("now"),
        PersonalTokenRecord.revoked_at.is_(None),
        UserRecord.disabled_at.is_(None),
    )
)


def by_session(session: Session, token_hash: bytes) -> UserRecord | None:
    """The enabled user of an unexpired browser session."""
    return session.scalar(_BY_SESSION, {"token_hash": token_hash, "now": now()})


def by_family(session: Session, user_id: uuid.UUID, family: uuid.UUID) -> UserRecord | None:
    """The enabled user, while the family of refresh tokens that a sign-in began is not revoked."""
    return session.scalar(_BY_FAMILY, {"user_id": user_id, "family": family})


def by_personal_token(session: Session, token_hash: bytes) -> tuple[UserRecord, PersonalTokenRecord] | None:
    """The enabled user and the token, if it is neither expired nor revoked."""
    row = session.execute(_BY_PERSONAL_TOKEN, {"token_hash": token_hash, "now": now()}).one_or_none()
    return None if row is None else (row[0], row[1])
