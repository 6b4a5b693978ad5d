"""Which version answers: promotion by a signature, rollback at once, retirement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.versions import CANDIDATE, State, proves_better
from atisbo.errors import Conflict, Invalid
from atisbo.services import accounts, audit
from atisbo.services.versions import VersionView, find, switch, view
from atisbo.store import versions as store
from atisbo.store.accounts import UserRecord
from atisbo.store.versions import ActivationRecord, VersionRecord


@dataclass(frozen=True)
class ActivationView:
    """``by`` is an address, None for the operator and for a deleted account."""

    version_id: UUID
    version: str
    kind: str
    reason: str
    verdict: str | None
    by: str | None
    at: datetime


def activate(
    session: Session, actor: Actor | None, *, version_id: UUID, reason: str = "", password: str = ""
) -> VersionView:
    """Promote a version: from the commit on it is the one that answers.

    The signature is the password, entered again: a name that is typed, or a session that is open, says which account it
    is and not that its owner sits there and means it.

    Args:
        actor: None for the operator, who signs nothing.
        reason: needed unless the version was found better than the active one on a sealed test set.

    Raises:
        NotSignedIn: the password is wrong.
        Invalid: a reason is needed.
        Conflict: the version is active already, or is no candidate.
    """
    record = _locked(session, actor, version_id)
    if actor is not None:
        accounts.prove(session, actor, password=password)
    if record.state == State.ACTIVE.value:
        raise Conflict("version_active", "This version is active already.")
    if State(record.state) not in CANDIDATE:
        raise Conflict("version_no_candidate", "This version was not accepted, so it cannot answer.")
    present = store.active(session, record.application)
    if not reason.strip() and not proves_better(record.evaluation, present.name if present else None):
        raise Invalid(
            "reason_needed",
            "It was not found better than the active version. Write down why it should answer all the same.",
        )
    switch(session, actor, record, kind="promotion", reason=reason.strip()[:2000])
    return view(session, record)


def rollback(session: Session, actor: Actor | None, *, version_id: UUID) -> VersionView:
    """Go back from an active version to what was active before it, which was signed when it was promoted.

    Args:
        version_id: the one to leave, so that two who click at once go back one step and not two.

    Raises:
        Conflict: it is not active any more, or nothing was active before it.
    """
    record = _locked(session, actor, version_id)
    earlier = store.previous(session, record.application)
    if record.state != State.ACTIVE.value:
        raise Conflict("version_not_active", "Another version is active by now. Look again.")
    if earlier is None:
        raise Conflict("nothing_before", "No version was active before this one.")
    switch(session, actor, earlier, kind="rollback")
    return view(session, earlier)


def retire(session: Session, actor: Actor | None, *, version_id: UUID) -> VersionView:
    """Put a candidate aside; it can be activated later all the same.

    Raises:
        Conflict: it is active: activate another one instead.
    """
    record = _locked(session, actor, version_id)
    if State(record.state) not in CANDIDATE:
        raise Conflict("version_not_retirable", "Only a candidate can be put aside. Activate another version instead.")
    record.state, record.shadow_since = State.RETIRED.value, None
    session.flush()
    store.notify(session, record.application)
    audit.note(session, actor, "version.retired", f"version:{record.id}", version=record.name)
    return view(session, record)


def history(session: Session, actor: Actor | None, *, application: str) -> list[ActivationView]:
    """Newest first."""
    if actor is not None:
        actor.require(Right.MANAGE_VERSIONS)
    query = (
        select(ActivationRecord, VersionRecord.name, UserRecord.email)
        .join(VersionRecord, VersionRecord.id == ActivationRecord.version_id)
        .outerjoin(UserRecord, UserRecord.id == ActivationRecord.by_id)
        .where(ActivationRecord.application == application)
        .order_by(ActivationRecord.at.desc())
    )
    return [
        ActivationView(one.version_id, name, one.kind, one.reason, one.verdict, email, one.at)
        for one, name, email in session.execute(query)
    ]


def _locked(session: Session, actor: Actor | None, version_id: UUID) -> VersionRecord:
    """The version as it is now that nobody else can change it."""
    record = find(session, actor, version_id)
    store.lock(session, record.application)
    session.refresh(record)
    return record
