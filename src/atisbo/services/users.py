"""Managing people: roles, disabling, invitations, and the operator's way in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import audit, second_factor
from atisbo.services.accounts import create, end_everything, set_password
from atisbo.services.quotas import room_of
from atisbo.store.accounts import (
    InvitationRecord,
    PersonalTokenRecord,
    Room,
    UsageRecord,
    UserRecord,
    administrators,
    by_email,
    hashed,
)
from atisbo.store.db import now


@dataclass(frozen=True)
class UserView:
    """``images`` and ``bytes`` are kept here now; ``room`` is how much may be, ``own_room`` if it was set for them."""

    id: UUID
    email: str
    role: Role
    created_at: datetime
    disabled: bool
    images: int
    bytes: int
    room: Room
    own_room: bool


@dataclass(frozen=True)
class InvitationView:
    id: UUID
    email: str | None
    role: Role
    expires_at: datetime
    used: bool


def list_users(session: Session, actor: Actor, *, part: str = "", limit: int = 200) -> list[UserView]:
    """The newest users whose e-mail address holds ``part``."""
    actor.require(Right.MANAGE_USERS)
    query = _with_usage().where(UserRecord.email.contains(part.lower().replace("\x00", ""), autoescape=True))
    rows = session.execute(query.order_by(UserRecord.created_at.desc()).limit(limit))
    return [_view(session, user, usage) for user, usage in rows]


def get(session: Session, actor: Actor, *, user_id: UUID) -> UserView:
    actor.require(Right.MANAGE_USERS)
    row = session.execute(_with_usage().where(UserRecord.id == user_id)).one_or_none()
    if row is None:
        raise NotFound("user_unknown", "There is no such user.")
    return _view(session, row[0], row[1])


def _with_usage() -> Select[UserRecord, UsageRecord]:
    return select(UserRecord, UsageRecord).outerjoin(UsageRecord, UsageRecord.user_id == UserRecord.id)


def _view(session: Session, user: UserRecord, usage: UsageRecord | None) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        role=Role(user.role),
        created_at=user.created_at,
        disabled=user.disabled_at is not None,
        images=usage.images if usage else 0,
        bytes=usage.bytes if usage else 0,
        room=room_of(session, user.max_images, user.max_bytes),
        own_room=user.max_images is not None or user.max_bytes is not None,
    )


def set_room(session: Session, actor: Actor, *, user_id: UUID, max_images: int | None, max_bytes: int | None) -> None:
    """How much the user may keep here; None for what everybody may. What is there already stays."""
    actor.require(Right.MANAGE_USERS)
    user = session.get(UserRecord, user_id)
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    if not all(value is None or 0 <= value < 2**31 * scale for value, scale in ((max_images, 1), (max_bytes, 2**20))):
        raise Invalid("room_wrong", "Write whole numbers from 0 on, or leave them empty for what everybody has.")
    user.max_images, user.max_bytes = max_images, max_bytes
    audit.note(session, actor, "user.room_changed", f"user:{user.id}", images=max_images, bytes=max_bytes)


def offer_reset(session: Session, actor: Actor, *, user_id: UUID) -> str:
    """Make a link's token with which the user can set a new password, once, within a day; an earlier one ends."""
    user = _managed(session, actor, user_id)
    token = secrets.token_urlsafe(24)
    user.reset_hash, user.reset_until = hashed(token), now() + timedelta(days=1)
    audit.note(session, actor, "user.reset_offered", f"user:{user.id}")
    session.flush()
    return token


def set_anew(session: Session, *, token: str, password: str) -> None:
    """Set a new password with a token of :func:`offer_reset`, and sign the user out everywhere.

    Raises:
        Invalid: the password will not do, or the token is spent.
    """
    query = select(UserRecord).where(UserRecord.reset_hash == hashed(token)).with_for_update()
    user = session.scalar(query)
    if user is None or user.reset_until is None or user.reset_until <= now() or user.disabled_at is not None:
        raise Invalid("reset_spent", "This link is not valid any more. Ask an administrator for a new one.")
    set_password(session, user, password)
    user.reset_hash = user.reset_until = None
    audit.note(session, None, "user.password_reset", f"user:{user.id}", by="link")


def _managed(session: Session, actor: Actor, user_id: UUID) -> UserRecord:
    actor.require(Right.MANAGE_USERS)
    user = session.get(UserRecord, user_id)
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    if user.id == actor.user_id:
        raise Conflict("yourself", "You cannot change your own role or disable yourself. Ask another administrator.")
    return user


def _dismissed(session: Session, actor: Actor, user_id: UUID) -> UserRecord:
    """As ``_managed``, of somebody who will be no administrator afterwards."""
    actor.require(Right.MANAGE_USERS)
    others = administrators(session) - {user_id}
    user = _managed(session, actor, user_id)
    if not others:
        raise Conflict("last_administrator", "This is the last administrator. Make somebody else one first.")
    return user


def set_role(session: Session, actor: Actor, *, user_id: UUID, role: str) -> None:
    """Give a user another role.

    Raises:
        NotFound: there is no such user.
        Conflict: it is the actor, or nobody would be left to look after the installation.
        Invalid: there is no such role.
    """
    user = (_managed if role == Role.ADMINISTRATOR.value else _dismissed)(session, actor, user_id)
    if role not in set(Role):
        raise Invalid("role_unknown", "There is no such role.")
    audit.note(session, actor, "user.role_changed", f"user:{user.id}", before=user.role, after=role)
    user.role = role


def set_disabled(session: Session, actor: Actor, *, user_id: UUID, disabled: bool) -> None:
    """A disabled user is signed out at once and keeps their images.

    Raises:
        NotFound: there is no such user.
        Conflict: it is the actor, or nobody would be left to look after the installation.
    """
    user = (_dismissed if disabled else _managed)(session, actor, user_id)
    user.disabled_at = now() if disabled else None
    audit.note(session, actor, "user.disabled" if disabled else "user.enabled", f"user:{user.id}")
    if disabled:
        end_everything(session, user.id)
        session.execute(
            update(PersonalTokenRecord)
            .where(PersonalTokenRecord.user_id == user.id, PersonalTokenRecord.revoked_at.is_(None))
            .values(revoked_at=now())
        )


def invite(session: Session, actor: Actor, settings: Settings, *, role: str = "user", email: str | None = None) -> str:
    """Make an invitation, good for a week and one account; returns its token, which is shown once."""
    actor.require(Right.MANAGE_USERS)
    if role not in set(Role):
        raise Invalid("role_unknown", "There is no such role.")
    if settings.registration == "closed":
        raise Conflict("registration_closed", "Registration is closed. Ask an administrator for an account.")
    token = secrets.token_urlsafe(24)
    record = InvitationRecord(
        token_hash=hashed(token),
        role=role,
        email=(email or "").strip().lower() or None,
        created_by=actor.user_id,
        expires_at=now() + timedelta(days=7),
    )
    session.add(record)
    session.flush()
    audit.note(session, actor, "invitation.made", f"invitation:{record.id}", role=role)
    return token


def list_invitations(session: Session, actor: Actor) -> list[InvitationView]:
    actor.require(Right.MANAGE_USERS)
    records = session.scalars(select(InvitationRecord).order_by(InvitationRecord.created_at.desc()))
    return [InvitationView(r.id, r.email, Role(r.role), r.expires_at, r.used_at is not None) for r in records]


def first_administrator(session: Session) -> tuple[str, str] | None:
    """On an empty database, make an administrator with a generated password; returns address and password, once."""
    session.execute(text("SELECT pg_advisory_xact_lock(7245002)"))
    if session.scalar(select(func.count()).select_from(UserRecord)):
        return None
    password = "-".join(secrets.token_hex(2) for _ in range(5))
    user = create(session, email="admin@atisbo.local", password=password, role=Role.ADMINISTRATOR, language="")
    return user.email, password


def reset_password(session: Session, *, email: str, password: str) -> None:
    """For operators: set a password without knowing the old one, and sign the user out everywhere."""
    user = by_email(session, email.strip())
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    set_password(session, user, password)
    audit.note(session, None, "user.password_reset", f"user:{user.id}", by="operator")


def remove_second_factor(session: Session, *, email: str) -> None:
    """For operators: somebody lost telephone and recovery codes."""
    user = by_email(session, email.strip())
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    second_factor.remove(session, user)
