"""Credentials of programs: short access tokens (JWT), rotating refresh tokens, personal tokens with scopes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import jwt
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from atisbo.config import Secrets, Settings
from atisbo.domain.access import SCOPES, Actor, Right
from atisbo.errors import Invalid, NotFound, NotSignedIn
from atisbo.services import audit, second_factor
from atisbo.services.accounts import actor_of, note_sign_in, verify
from atisbo.store.accounts import (
    PersonalTokenRecord,
    RefreshTokenRecord,
    UserRecord,
    by_family,
    by_personal_token,
    hashed,
)
from atisbo.store.db import now

_ALGORITHM: Final = "HS256"
_ISSUER: Final = "atisbo"
_AUDIENCE: Final = "atisbo-api"
PERSONAL_PREFIX: Final = "atb_"


@dataclass(frozen=True)
class Pair:
    """What a sign-in by API returns; ``expires_in_s`` belongs to the access token."""

    access_token: str
    refresh_token: str
    expires_in_s: int


@dataclass(frozen=True)
class TokenView:
    id: UUID
    name: str
    hint: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


def _expired() -> NotSignedIn:
    return NotSignedIn("token_wrong", "The token is expired or not valid. Sign in again.")


def issue(
    session: Session,
    settings: Settings,
    keys: Secrets,
    *,
    email: str,
    password: str,
    code: str = "",
    address: str = "",
) -> Pair:
    """Check the password, and the second factor's code if it is on, and start a new family of refresh tokens."""
    user = verify(session, email=email, password=password)
    second_factor.check(session, keys, user, code)
    note_sign_in(session, user, address)
    return _pair(session, settings, keys, user.id, uuid4())


def _pair(session: Session, settings: Settings, keys: Secrets, user_id: UUID, family: UUID) -> Pair:
    lifetime = timedelta(minutes=settings.access_token_minutes)
    issued = now()
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": str(user_id),
        "typ": "access",
        "iat": issued,
        "exp": issued + lifetime,
        "jti": secrets.token_hex(8),
        "fam": str(family),
    }
    refresh = secrets.token_urlsafe(32)
    session.add(
        RefreshTokenRecord(
            family=family,
            user_id=user_id,
            token_hash=hashed(refresh),
            expires_at=issued + timedelta(days=settings.refresh_token_days),
        )
    )
    session.flush()
    access = jwt.encode(claims, keys.key("access-token"), _ALGORITHM)
    return Pair(access, refresh, int(lifetime.total_seconds()))


def refresh(session: Session, settings: Settings, keys: Secrets, *, token: str) -> Pair | None:
    """Exchange a refresh token for a new pair. None means it was used before: its whole family is now revoked.

    The caller must commit in both cases and answer 401 on None; raising here would roll the revocation back.

    Raises:
        NotSignedIn: the token is unknown, expired, revoked, or its user is disabled.
    """
    record = _held(session, token)
    if record is None or record.expires_at <= now() or record.revoked_at is not None:
        raise _expired()
    if record.used_at is not None:
        _revoke_family(session, record.family)
        return None
    user = session.get(UserRecord, record.user_id)
    if user is None or user.disabled_at is not None:
        raise _expired()
    record.used_at = now()
    return _pair(session, settings, keys, user.id, record.family)


def _revoke_family(session: Session, family: UUID) -> None:
    session.execute(
        update(RefreshTokenRecord)
        .where(RefreshTokenRecord.family == family, RefreshTokenRecord.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def logout(session: Session, *, token: str) -> None:
    """Revoke a refresh token's family; an unknown token is no error, so nothing can be learnt from the answer."""
    record = _held(session, token, alone=True)
    if record is not None:
        _revoke_family(session, record.family)


def _held(session: Session, token: str, *, alone: bool = False) -> RefreshTokenRecord | None:
    """A refresh token, locked, and before it its user: whoever ends all of a family or of a user leaves no pair over
    that is being made at that moment.
    """
    known = RefreshTokenRecord.token_hash == hashed(token)
    owner = select(RefreshTokenRecord.user_id).where(known).scalar_subquery()
    session.execute(select(UserRecord.id).where(UserRecord.id == owner).with_for_update(read=not alone))
    return session.scalar(select(RefreshTokenRecord).where(known).with_for_update())


def from_bearer(session: Session, keys: Secrets, token: str) -> Actor:
    """Whoever this ``Authorization: Bearer`` token stands for. An access token ends with its family, at once.

    Raises:
        NotSignedIn: expired, forged, of another kind, revoked, or the user is disabled.
    """
    if token.startswith(PERSONAL_PREFIX):
        return _from_personal(session, token)
    try:
        claims = jwt.decode(
            token,
            keys.key("access-token"),
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            audience=_AUDIENCE,
            options={"require": ["exp", "iat", "sub", "iss", "aud", "typ", "fam"]},
        )
        user_id, family = UUID(claims["sub"]), UUID(str(claims["fam"]))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise _expired() from error
    user = by_family(session, user_id, family) if claims["typ"] == "access" else None
    if user is None:
        raise _expired()
    return actor_of(user)


def _from_personal(session: Session, token: str) -> Actor:
    found = by_personal_token(session, hashed(token))
    if found is None:
        raise _expired()
    user, record = found
    if record.last_used_at is None or record.last_used_at < now() - timedelta(minutes=1):
        record.last_used_at = now()
    return actor_of(user, scopes=frozenset(record.scopes))


def create(session: Session, actor: Actor, *, name: str, scopes: list[str], days: int = 90) -> str:
    """Make a personal token; returns it, which is shown once."""
    actor.require(Right.MANAGE_ACCOUNT)
    if not name.strip() or len(name) > 80 or "\x00" in name:
        raise Invalid("token_name", "Give the token a name of at most 80 characters.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Invalid("token_scopes", "Choose at least one of these scopes: {scopes}.", scopes=", ".join(SCOPES))
    if not 1 <= days <= 366:
        raise Invalid("token_days", "A token lasts between 1 and 366 days.")
    token = PERSONAL_PREFIX + secrets.token_urlsafe(32)
    record = PersonalTokenRecord(
        user_id=actor.user_id,
        name=name.strip(),
        token_hash=hashed(token),
        hint=token[:10],
        scopes=sorted(set(scopes)),
        expires_at=now() + timedelta(days=days),
    )
    session.add(record)
    session.flush()
    audit.note(session, actor, "token.made", f"token:{record.id}", scopes=record.scopes, days=days)
    return token


def list_tokens(session: Session, actor: Actor) -> list[TokenView]:
    actor.require(Right.MANAGE_ACCOUNT)
    records = session.scalars(
        select(PersonalTokenRecord)
        .where(PersonalTokenRecord.user_id == actor.user_id, PersonalTokenRecord.revoked_at.is_(None))
        .order_by(PersonalTokenRecord.created_at.desc())
    )
    return [
        TokenView(r.id, r.name, r.hint, tuple(r.scopes), r.created_at, r.expires_at, r.last_used_at) for r in records
    ]


def revoke(session: Session, actor: Actor, *, token_id: UUID) -> None:
    actor.require(Right.MANAGE_ACCOUNT)
    revoked = session.scalar(
        update(PersonalTokenRecord)
        .where(
            PersonalTokenRecord.id == token_id,
            PersonalTokenRecord.user_id == actor.user_id,
            PersonalTokenRecord.revoked_at.is_(None),
        )
        .values(revoked_at=now())
        .returning(PersonalTokenRecord.id)
    )
    if revoked is None:
        raise NotFound("token_unknown", "There is no such token.")
    audit.note(session, actor, "token.withdrawn", f"token:{token_id}")
