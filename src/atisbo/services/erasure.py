"""Deleting an account with everything that came of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor, Right, Role
from atisbo.errors import Conflict, NotFound
from atisbo.services import audit, deletions, lineage
from atisbo.services.accounts import prove
from atisbo.store.accounts import InvitationRecord, UserRecord, administrators
from atisbo.store.consents import lock_user, stand_in_line
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.queue import ERASE, SWEEP, enqueue_all
from atisbo.store.reviews import ReviewRecord


def erase(session: Session, actor: Actor, *, password: str) -> None:
    """Remove the rows now and, by jobs of the same transaction, the blobs.

    Images, answers, reviews, consents, sessions and tokens hang on the user's row and go with it.

    Raises:
        NotSignedIn: the password is wrong.
        Conflict: nobody would be left to look after the installation.
    """
    actor.require(Right.MANAGE_ACCOUNT)
    prove(session, actor, password=password)
    stand_in_line(session, actor.user_id)
    if actor.role is Role.ADMINISTRATOR:
        _leave_an_administrator(session, actor)
    if not lock_user(session, actor.user_id):
        raise NotFound("user_unknown", "There is no such user.")
    blobs = _blobs(session, actor) + deletions.sealed(session, actor.user_id)
    enqueue_all(session, ERASE, blobs)
    enqueue_all(session, SWEEP, _drawn(session, actor))
    query = select(ImageRecord.id).where(ImageRecord.owner_id == actor.user_id).order_by(ImageRecord.id)
    own = session.scalars(query.with_for_update()).all()
    traces = lineage.told(session, own)
    audit.note(session, actor, "user.erased", f"user:{actor.user_id}", images=len(own), **traces)
    lineage.bury(session, own, "erased")
    session.execute(delete(InvitationRecord).where(InvitationRecord.email == actor.email))
    session.execute(delete(UserRecord).where(UserRecord.id == actor.user_id))


def _leave_an_administrator(session: Session, actor: Actor) -> None:
    if administrators(session) == {actor.user_id}:
        raise Conflict(
            "last_administrator",
            "You are the only administrator. Make somebody else one before you delete your account.",
        )


def _blobs(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """What each image left in the storage: see ``images.erase``."""
    rows = session.execute(
        select(ImageRecord.sha256, func.array_agg(PredictionRecord.id))
        .outerjoin(PredictionRecord, PredictionRecord.image_id == ImageRecord.id)
        .where(ImageRecord.owner_id == actor.user_id)
        .group_by(ImageRecord.id)
    )
    return [{"original": name, "predictions": [str(one) for one in ids if one]} for name, ids in rows]


def _drawn(session: Session, actor: Actor) -> list[dict[str, Any]]:
    """Others' images that the actor corrected the outlines of: see ``corrections.sweep``."""
    rows = session.scalars(
        select(ReviewRecord.prediction_id)
        .where(ReviewRecord.author_id == actor.user_id, ReviewRecord.mask_state.is_not(None))
        .distinct()
    )
    return [{"prediction": str(one)} for one in rows]
