"""Agreeing, withdrawing, and asking whether somebody has agreed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right
from atisbo.domain.applications import Application
from atisbo.domain.consents import SHARING, USE, Kind, Terms, training
from atisbo.errors import ConsentNeeded, Invalid, NotAllowed, NotFound, Outdated
from atisbo.services import audit, lineage
from atisbo.store import consents as store
from atisbo.store.consents import ConsentRecord
from atisbo.store.db import now
from atisbo.store.images import ImageRecord, readable
from atisbo.store.predictions import PredictionRecord


@dataclass(frozen=True)
class ConsentView:
    kind: Kind
    application: str | None
    image_id: UUID | None
    version: int
    sha256: str
    language: str
    given_at: datetime
    withdrawn_at: datetime | None


def agree(session: Session, actor: Actor, *, version: int, language: str) -> ConsentView:
    """Agree to the general terms; agreeing again changes nothing.

    Raises:
        Outdated: these are not the terms of today.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    _same(USE, version)
    if not store.lock_user(session, actor.user_id):
        raise NotFound("user_unknown", "There is no such user.")
    record = store.given(session, user_id=actor.user_id, version=version)
    return _view(record or _add(session, actor, Kind.USE, USE, language))


def withdraw(session: Session, actor: Actor) -> None:
    """Take the yes to the general terms back: nothing more is uploaded; what is there stays until it is deleted."""
    actor.require(Right.MANAGE_ACCOUNT)
    session.execute(
        update(ConsentRecord)
        .where(
            ConsentRecord.user_id == actor.user_id,
            ConsentRecord.kind == Kind.USE.value,
            ConsentRecord.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=now())
    )
    audit.note(session, actor, "consent.withdrawn", f"user:{actor.user_id}", kind=Kind.USE)


def agreed(session: Session, actor: Actor) -> bool:
    """Whether the actor has agreed to the general terms of today."""
    return store.given(session, user_id=actor.user_id, version=USE.version) is not None


def require(session: Session, actor: Actor) -> None:
    """Before an upload; also keeps the erasure of the account off until the upload is done.

    Raises:
        ConsentNeeded: the actor has not agreed to the general terms of today.
    """
    if not store.hold(session, user_id=actor.user_id, version=USE.version):
        raise ConsentNeeded(
            "consent_needed",
            "Before you upload, read what is stored and what for, and agree to it.",
            version=USE.version,
        )


def list_(session: Session, actor: Actor) -> list[ConsentView]:
    """All that the actor agreed to, newest first, withdrawn or not."""
    actor.require(Right.MANAGE_ACCOUNT)
    query = select(ConsentRecord).where(ConsentRecord.user_id == actor.user_id)
    return [_view(record) for record in session.scalars(query.order_by(ConsentRecord.given_at.desc()))]


def allow(
    session: Session,
    actor: Actor,
    *,
    image_id: UUID,
    application: Application,
    version: int | None = None,
    language: str = "en",
) -> ConsentView:
    """Allow an image of one's own to be learnt from; allowing it again changes nothing.

    Args:
        version: of the application's text as it was read; None for the one of today.

    Raises:
        NotFound: no such image for this actor, or it was not asked about with this application.
        NotAllowed: visible, and somebody else's.
        Outdated: this is not the text of today.
        Invalid: the application collects no images.
    """
    image = _own(session, actor, image_id)
    asked = select(PredictionRecord.id).where(
        PredictionRecord.image_id == image.id, PredictionRecord.application == application.name
    )
    if session.scalar(asked.limit(1)) is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    return _view(give(session, actor, image=image, application=application, version=version, language=language))


def give(
    session: Session,
    actor: Actor,
    *,
    image: ImageRecord,
    application: Application,
    version: int | None = None,
    language: str = "en",
) -> ConsentRecord:
    """Write down the yes to learning from an image, and mark the image; see ``allow``."""
    terms = training(application)
    if terms is None:
        raise Invalid("consent_unasked", "This application does not collect images to learn from.")
    if version is not None:
        _same(terms, version)
    image.training_consent = True
    session.flush()
    return _standing(session, actor, Kind.TRAINING, terms, language, image, application.name)


def _standing(
    session: Session,
    actor: Actor,
    kind: Kind,
    terms: Terms,
    language: str,
    image: ImageRecord,
    application: str | None = None,
) -> ConsentRecord:
    """The yes to today's text, of the application if it is one's; one to an earlier text ends."""
    for earlier in store.of_image(session, image.id, kind.value):
        if earlier.application != application:
            continue
        if earlier.version == terms.version:
            return earlier
        earlier.withdrawn_at = now()
        session.flush()
    return _add(session, actor, kind, terms, language, application=application, image_id=image.id)


def forbid(session: Session, actor: Actor, *, image_id: UUID) -> None:
    """Take every yes to learning from an image back: no dataset holds it any more; see ``lineage`` for those that did.

    Raises:
        NotFound: no such image for this actor.
        NotAllowed: visible, and somebody else's.
    """
    image = _own(session, actor, image_id)
    image.training_consent = False
    session.flush()
    lineage.bury(session, [image.id], "withdrawn")
    _end(session, actor, image, Kind.TRAINING)


def share(
    session: Session, actor: Actor, *, image_id: UUID, version: int | None = None, language: str = "en"
) -> ConsentView:
    """Let others find an image of one's own as a similar picture; doing it again changes nothing.

    Args:
        version: of the text as it was read; None for the one of today.

    Raises:
        NotFound, NotAllowed, Outdated: see ``allow``.
    """
    if version is not None:
        _same(SHARING, version)
    return _view(give_sharing(session, actor, image=_own(session, actor, image_id), language=language))


def give_sharing(session: Session, actor: Actor, *, image: ImageRecord, language: str) -> ConsentRecord:
    """Write down the yes to sharing an image, and mark the image."""
    image.shared = True
    session.flush()
    return _standing(session, actor, Kind.SHARING, SHARING, language, image)


def unshare(session: Session, actor: Actor, *, image_id: UUID) -> None:
    """Take the yes to sharing back: from this transaction on nobody else finds the image.

    Raises:
        NotFound, NotAllowed: see ``allow``.
    """
    image = _own(session, actor, image_id)
    image.shared = False
    session.flush()
    _end(session, actor, image, Kind.SHARING)


def _end(session: Session, actor: Actor, image: ImageRecord, kind: Kind) -> None:
    records = store.of_image(session, image.id, kind.value)
    for record in records:
        record.withdrawn_at = now()
    session.flush()
    if records:
        audit.note(session, actor, "consent.withdrawn", f"image:{image.id}", kind=kind)


def _own(session: Session, actor: Actor, image_id: UUID) -> ImageRecord:
    """The image, locked, so that two answers to the same question come one after the other."""
    actor.require(Right.PREDICT)
    image = session.scalar(readable(actor).where(ImageRecord.id == image_id).with_for_update())
    if image is None:
        raise NotFound("image_unknown", "There is no such image, or it has been deleted.")
    if image.owner_id != actor.user_id:
        raise NotAllowed("consent_foreign", "This image belongs to somebody else. Only its owner can decide this.")
    return image


def _same(terms: Terms, version: int) -> None:
    if version != terms.version:
        raise Outdated(
            "terms_changed", "The text has changed. Read it again: it is version {version} now.", version=terms.version
        )


def _add(
    session: Session,
    actor: Actor,
    kind: Kind,
    terms: Terms,
    language: str,
    *,
    application: str | None = None,
    image_id: UUID | None = None,
) -> ConsentRecord:
    record = ConsentRecord(
        user_id=actor.user_id,
        kind=kind.value,
        application=application,
        image_id=image_id,
        version=terms.version,
        sha256=terms.sha256(language),
        language=language,
    )
    session.add(record)
    session.flush()
    subject = f"image:{image_id}" if image_id else f"user:{actor.user_id}"
    audit.note(session, actor, "consent.given", subject, kind=kind, version=terms.version)
    return record


def _view(record: ConsentRecord) -> ConsentView:
    return ConsentView(
        kind=Kind(record.kind),
        application=record.application,
        image_id=record.image_id,
        version=record.version,
        sha256=record.sha256,
        language=record.language,
        given_at=record.given_at,
        withdrawn_at=record.withdrawn_at,
    )
