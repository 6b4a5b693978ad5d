"""Which images may be in a dataset: consented to, reviewed, and with something that can be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Float, Row, Select, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session

from atisbo.domain.access import Role
from atisbo.domain.datasets import Filters, Plan
from atisbo.domain.reviews import Verdict
from atisbo.store import readings
from atisbo.store.accounts import UserRecord
from atisbo.store.images import ImageRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.reviews import ReviewRecord

CURATOR: Final = "curator"
OWNER: Final = "owner"


@dataclass(frozen=True)
class Candidate:
    """An answer whose image may be learnt from, with the review that counts."""

    prediction_id: UUID
    image_id: UUID
    owner_id: UUID
    original: str
    """SHA-256 of the bytes as they were uploaded."""
    region: dict[str, int] | None
    pair_id: UUID | None
    status: str
    attempt: int
    """Whose mask is the answer's."""
    version: str | None
    review_id: UUID
    review_version: int
    mask: str | None
    """SHA-256 of the outline that the reviewer drew."""
    verdict: Verdict
    label: str | None
    answers: dict[str, Any]
    reviewer: str
    """``curator`` or ``owner``."""


@dataclass(frozen=True)
class Count:
    """How many images filters catch, before duplicates are left out."""

    images: int
    by_label: dict[str, int]
    owners: int
    by_reviewer: dict[str, int]
    without_consent: int
    """They fit, but nobody agreed that they may be learnt from."""


def find(session: Session, application: str, filters: Filters, plan: Plan) -> list[Candidate]:
    """All that the filters catch, oldest first."""
    query = _found(application, filters, plan, consented=True)
    order = (PredictionRecord.created_at, PredictionRecord.id)
    return [_candidate(row) for row in session.execute(query.order_by(*order))]


def count(session: Session, application: str, filters: Filters, plan: Plan) -> Count:
    """How many the filters catch."""
    found = _found(application, filters, plan, consented=True).subquery()
    rows = session.execute(
        select(found.c.label, found.c.reviewer, func.count()).group_by(found.c.label, found.c.reviewer)
    )
    by_label: dict[str, int] = {}
    by_reviewer: dict[str, int] = {}
    for label, reviewer, number in rows:
        by_label[label or ""] = by_label.get(label or "", 0) + number
        by_reviewer[reviewer] = by_reviewer.get(reviewer, 0) + number
    without = _found(application, filters, plan, consented=False).subquery()
    return Count(
        images=sum(by_label.values()),
        by_label=dict(sorted(by_label.items())),
        owners=session.scalar(select(func.count(found.c.owner_id.distinct()))) or 0,
        by_reviewer=by_reviewer,
        without_consent=session.scalar(select(func.count()).select_from(without)) or 0,
    )


def _found(application: str, filters: Filters, plan: Plan, *, consented: bool) -> Select[*tuple[Any, ...]]:
    """One row for each answer, with the review that counts as its truth."""
    asked = select(PredictionRecord.id).where(PredictionRecord.application == application)
    counted = readings.truth(asked).with_only_columns(ReviewRecord.id).subquery()
    curated = UserRecord.role.in_((Role.CURATOR.value, Role.ADMINISTRATOR.value))
    reviewer = case((curated, CURATOR), else_=OWNER)
    agreed = and_(ImageRecord.training_consent, PredictionRecord.consented)
    return (
        select(
            PredictionRecord.id.label("prediction_id"),
            PredictionRecord.image_id,
            PredictionRecord.owner_id,
            ImageRecord.sha256.label("original"),
            PredictionRecord.region,
            PredictionRecord.pair_id,
            PredictionRecord.status,
            PredictionRecord.attempt,
            PredictionRecord.version,
            ReviewRecord.id.label("review_id"),
            ReviewRecord.version.label("review_version"),
            ReviewRecord.mask,
            ReviewRecord.verdict,
            ReviewRecord.label,
            ReviewRecord.answers,
            reviewer.label("reviewer"),
        )
        .join(counted, counted.c.id == ReviewRecord.id)
        .join(UserRecord, UserRecord.id == ReviewRecord.author_id)
        .join(PredictionRecord, PredictionRecord.id == ReviewRecord.prediction_id)
        .join(ImageRecord, ImageRecord.id == PredictionRecord.image_id)
        .where(
            PredictionRecord.application == application,
            agreed if consented else ~agreed,
            _usable(plan),
            *_wanted(filters),
            *([reviewer == filters.reviewer] if filters.reviewer else []),
        )
    )


def _usable(plan: Plan) -> ColumnElement[bool]:
    """A class that is known; for an outline one that was confirmed or drawn."""
    if plan.task == "classification":
        return and_(ReviewRecord.label.in_(plan.classes), ReviewRecord.verdict != Verdict.UNKNOWN.value)
    confirmed = and_(PredictionRecord.status.in_(("done", "unsure")), ReviewRecord.verdict == Verdict.RIGHT.value)
    return or_(ReviewRecord.mask.is_not(None), confirmed)


def _wanted(filters: Filters) -> Sequence[ColumnElement[bool]]:
    uncertainty = cast(PredictionRecord.findings["uncertainty"].astext, Float)
    wanted: list[ColumnElement[bool] | None] = [
        ReviewRecord.verdict.in_([one.value for one in filters.verdicts]) if filters.verdicts else None,
        ReviewRecord.label.in_(filters.labels) if filters.labels else None,
        ReviewRecord.mask.is_not(None) if filters.outlined else None,
        PredictionRecord.version.in_(filters.versions) if filters.versions else None,
        ImageRecord.created_at >= datetime.combine(filters.since, time(), UTC) if filters.since else None,
        ImageRecord.created_at <= datetime.combine(filters.until, time.max, UTC) if filters.until else None,
        uncertainty >= filters.uncertainty_from if filters.uncertainty_from is not None else None,
        uncertainty <= filters.uncertainty_to if filters.uncertainty_to is not None else None,
    ]
    return [one for one in wanted if one is not None]


def _candidate(row: Row[Any]) -> Candidate:
    said = row._asdict()
    return Candidate(**said | {"verdict": Verdict(said["verdict"])})
