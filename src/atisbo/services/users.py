"""Managing people: roles, disabling, invitations, and the operator's way in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from atisbo.config import Settings
from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Conflict, Invalid, NotFound
from atisbo.services import audit
from atisbo.services.accounts import create, end_everything, set_password
from atisbo.store.accounts import InvitationRecord, PersonalTokenRecord, UserRecord, by_email, hashed
from atisbo.store.db import now


@dataclass(frozen=True)
class UserView:
    id: UUID
    email: str
    role: Role
    created_at: datetime
    disabled: bool


@dataclass(frozen=True)
class InvitationView:
    id: UUID
    email: str | None
    role: Role
    expires_at: datetime
    used: bool


def list_users(session: Session, actor: Actor) -> list[UserView]:
    actor.require(Right.MANAGE_USERS)
    users = session.scalars(select(UserRecord).order_by(UserRecord.created_at))
    return [UserView(u.id, u.email, Role(u.role), u.created_at, u.disabled_at is not None) for u in users]


def _managed(session: Session, actor: Actor, user_id: UUID) -> UserRecord:
    actor.require(Right.MANAGE_USERS)
    user = session.get(UserRecord, user_id)
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    if user.id == actor.user_id:
        raise Conflict("yourself", "You cannot change your own role or disable yourself. Ask another administrator.")
    return user


def set_role(session: Session, actor: Actor, *, user_id: UUID, role: str) -> None:
    user = _managed(session, actor, user_id)
    if role not in set(Role):
        raise Invalid("role_unknown", "There is no such role.")
    audit.note(session, actor, "user.role_changed", f"user:{user.id}", before=user.role, after=role)
    user.role = role


def set_disabled(session: Session, actor: Actor, *, user_id: UUID, disabled: bool) -> None:
    """A disabled user is signed out at once and keeps their images."""
    user = _managed(session, actor, user_id)
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


def first_administrator(session: Session, *, language: str = "en") -> tuple[str, str] | None:
    """On an empty database, make an administrator with a generated password; returns address and password, once."""
    session.execute(text("SELECT pg_advisory_xact_lock(7245002)"))
    if session.scalar(select(func.count()).select_from(UserRecord)):
        return None
    password = "-".join(secrets.token_hex(2) for _ in range(5))
    user = create(session, email="admin@atisbo.local", password=password, role=Role.ADMINISTRATOR, language=language)
    return user.email, password


def reset_password(session: Session, *, email: str, password: str) -> None:
    """For operators: set a password without knowing the old one, and sign the user out everywhere."""
    user = by_email(session, email.strip())
    if user is None:
        raise NotFound("user_unknown", "There is no such user.")
    set_password(session, user, password)
    audit.note(session, None, "user.password_reset", f"user:{user.id}", by="operator")
