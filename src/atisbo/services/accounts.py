"""Accounts: registering, signing in, passwords."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from atisbo.config import Secrets, Settings
from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Conflict, Invalid, NotAllowed, NotSignedIn
from atisbo.i18n import DEFAULT, LANGUAGES
from atisbo.services import audit, second_factor
from atisbo.store.accounts import (
    InvitationRecord,
    RefreshTokenRecord,
    SessionRecord,
    UserRecord,
    by_email,
    by_session,
    hashed,
)
from atisbo.store.db import now

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id at OWASP's first choice of parameters (memory in KiB)."""
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f<>\"',;]{1,64}@[^@\s\x00-\x1f<>\"',;]{1,185}\.[^@\s\x00-\x1f<>\"',;.]{2,63}")
MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 200


@cache
def _nobody() -> str:
    """A hash that no password fits, so that an unknown address takes as long as a known one."""
    return _HASHER.hash(secrets.token_urlsafe())


def actor_of(user: UserRecord, *, session_id: bytes | None = None, scopes: frozenset[str] | None = None) -> Actor:
    return Actor(user.id, user.email, Role(user.role), user.language or DEFAULT, session_id, scopes)


def register(
    session: Session,
    settings: Settings,
    *,
    email: str,
    password: str,
    invitation: str | None = None,
    language: str = "en",
) -> Actor:
    """Open an account with role user, or with the invitation's role.

    Raises:
        NotAllowed: registration is closed, or needs an invitation.
        Invalid: the address or the password will not do, or the invitation is spent.
        Conflict: the address has an account.
    """
    invited = _use_invitation(session, invitation, email) if invitation else None
    if invited is None and settings.registration == "invitation":
        raise NotAllowed("invitation_needed", "You need an invitation to register. Ask an administrator.")
    if invited is None and settings.registration == "closed":
        raise NotAllowed("registration_closed", "Registration is closed. Ask an administrator for an account.")
    role = Role(invited.role) if invited else Role.USER
    actor = actor_of(create(session, email=email, password=password, role=role, language=language))
    audit.note(session, actor, "user.registered", f"user:{actor.user_id}", role=role, invitation=invited and invited.id)
    return actor


def create(session: Session, *, email: str, password: str, role: Role = Role.USER, language: str = "en") -> UserRecord:
    """Add a user, whatever the registration setting says. An empty language is that of the first sign-in."""
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address):
        raise Invalid("email_wrong", "This is not an e-mail address. Write it like name@example.org.")
    check_password(password)
    user = UserRecord(
        email=address,
        password_hash=_HASHER.hash(password),
        role=role.value,
        language=language if language in ("", *LANGUAGES) else DEFAULT,
    )
    session.add(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict("email_taken", "There is an account with this address already. Sign in instead.") from error
    return user


def check_password(password: str) -> None:
    """Raises Invalid unless the password is long enough and fit to be hashed."""
    if len(password) < MIN_PASSWORD:
        raise Invalid(
            "password_short",
            "The password is too short. Use at least {count} characters.",
            count=MIN_PASSWORD,
        )
    if len(password) > MAX_PASSWORD or "\x00" in password:
        raise Invalid("password_long", "The password is too long. Use at most {count} characters.", count=MAX_PASSWORD)


def _use_invitation(session: Session, token: str, email: str) -> InvitationRecord:
    record = session.scalar(
        select(InvitationRecord)
        .where(InvitationRecord.token_hash == hashed(token), InvitationRecord.used_at.is_(None))
        .with_for_update()
    )
    if record is None or record.expires_at <= now() or record.email not in (None, email.strip().lower()):
        raise Invalid("invitation_spent", "This invitation is not valid any more. Ask for a new one.")
    record.used_at = now()
    return record


def verify(session: Session, *, email: str, password: str) -> UserRecord:
    """The enabled user with this password; takes as long for an address that has no account.

    Raises:
        NotSignedIn: one sentence for a wrong address, a wrong password and a disabled account.
    """
    user = by_email(session, email.strip()) if "\x00" not in email else None
    try:
        _HASHER.verify(user.password_hash if user else _nobody(), password[: MAX_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        user = None
    if user is None or user.disabled_at is not None:
        raise NotSignedIn("credentials_wrong", "The address or the password is wrong. Check both and try again.")
    if _HASHER.check_needs_rehash(user.password_hash):
        user.password_hash = _HASHER.hash(password)
    return user


def prove(session: Session, actor: Actor, *, password: str) -> UserRecord:
    """That whoever is signed in also knows the password.

    Raises:
        NotSignedIn: it is wrong; nothing is said of an address, since none was asked.
    """
    try:
        return verify(session, email=actor.email, password=password)
    except NotSignedIn as error:
        raise NotSignedIn("password_wrong", "The password is not right.") from error


def sign_in(
    session: Session,
    settings: Settings,
    *,
    email: str,
    password: str,
    address: str = "",
    user_agent: str = "",
    keys: Secrets | None = None,
    before: str | None = None,
    language: str = "",
) -> str:
    """Check the password and open a browser session; returns its token, which is stored only as a hash.

    Args:
        before: token of the session that the browser had until now; it ends.
        language: of the page; the account's from now on if it has none.

    Raises:
        NotSignedIn: the address or the password is wrong.
        SecondFactorNeeded: the password is right; go on with :func:`sign_in_second`.
    """
    user = verify(session, email=email, password=password)
    second_factor.check(session, keys, user, "")
    _end(session, before)
    return _signed_in(session, settings, user, address, user_agent, language)


def sign_in_second(
    session: Session,
    settings: Settings,
    *,
    ticket: str,
    code: str,
    keys: Secrets,
    address: str = "",
    user_agent: str = "",
    before: str | None = None,
    language: str = "",
) -> str:
    """The second step; raises NotSignedIn for a wrong code or a ticket that has ended."""
    user = second_factor.holder(session, keys, ticket)
    if not code.strip():
        raise NotSignedIn(second_factor.WRONG, "The code is wrong or was used before. Try the next one.")
    second_factor.check(session, keys, user, code)
    _end(session, before)
    return _signed_in(session, settings, user, address, user_agent, language)


def ticket_holder(session: Session, *, ticket: str, keys: Secrets) -> str:
    """The e-mail address of whoever gave the right password a moment ago; raises NotSignedIn: too long ago."""
    return second_factor.holder(session, keys, ticket).email


def _signed_in(
    session: Session, settings: Settings, user: UserRecord, address: str, user_agent: str, language: str
) -> str:
    if not user.language and language in LANGUAGES:
        user.language = language
    session.execute(delete(SessionRecord).where(SessionRecord.expires_at <= now()))
    note_sign_in(session, user, address)
    return _open_session(session, settings, user.id, address, user_agent)


def note_sign_in(session: Session, user: UserRecord, address: str) -> None:
    audit.note(session, replace(actor_of(user), address=address), "user.signed_in", f"user:{user.id}")


def note_failure(session: Session, *, email: str, address: str, code: bool = False) -> None:
    """Write down that somebody tried to sign in and could not; an address that has no account is not kept.

    Args:
        code: it was the second factor's code that was wrong.
    """
    user = by_email(session, email.strip()) if "\x00" not in email else None
    subject = f"user:{user.id}" if user else "user:unknown"
    person = user.id if user else None
    if code and person:
        second_factor.note_wrong(session, person)
    audit.note(session, None, "user.sign_in_failed", subject, address=address, person_id=person)


def _open_session(session: Session, settings: Settings, user_id: UUID, address: str, user_agent: str) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        SessionRecord(
            token_hash=hashed(token),
            user_id=user_id,
            expires_at=now() + timedelta(days=settings.session_days),
            address=address[:64],
            user_agent=user_agent[:300],
        )
    )
    session.flush()
    return token


def from_session(session: Session, token: str) -> Actor | None:
    """Whoever holds this browser session, if it is still good."""
    key = hashed(token)
    user = by_session(session, key)
    return None if user is None else actor_of(user, session_id=key)


def _end(session: Session, token: str | None) -> None:
    if token:
        session.execute(delete(SessionRecord).where(SessionRecord.token_hash == hashed(token)))


def sign_out(session: Session, actor: Actor) -> None:
    session.execute(delete(SessionRecord).where(SessionRecord.token_hash == actor.session_id))


def change_password(session: Session, settings: Settings, actor: Actor, *, current: str, new: str) -> str:
    """Set a new password, end every session and refresh token, and return the token of a new session."""
    actor.require(Right.MANAGE_ACCOUNT)
    try:
        user = prove(session, actor, password=current)
    except NotSignedIn as error:
        raise Invalid(error.code, error.message) from error
    set_password(session, user, new)
    audit.note(session, actor, "user.password_changed", f"user:{user.id}")
    return _open_session(session, settings, user.id, "", "")


def set_password(session: Session, user: UserRecord, password: str) -> None:
    """Raises Invalid for a password that will not do; signs the user out everywhere."""
    check_password(password)
    user.password_hash = _HASHER.hash(password)
    end_everything(session, user.id)


def end_everything(session: Session, user_id: UUID) -> None:
    """Sign a user out everywhere; personal tokens, made on purpose for scripts, stay."""
    session.execute(delete(SessionRecord).where(SessionRecord.user_id == user_id))
    session.execute(
        update(RefreshTokenRecord)
        .where(RefreshTokenRecord.user_id == user_id, RefreshTokenRecord.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def set_language(session: Session, actor: Actor, *, language: str) -> None:
    if language not in LANGUAGES:
        raise Invalid("language_unknown", "This language is not available.")
    session.execute(update(UserRecord).where(UserRecord.id == actor.user_id).values(language=language))
