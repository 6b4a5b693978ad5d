"""Volume, speed, accuracy, calibration and refusals of an application's answers over time, and what drifts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Float, Select, SQLColumnExpression, cast, func, select, true
from sqlalchemy.orm import Session, aliased

from atisbo.domain.access import Actor, Right
from atisbo.domain.watching import Calibration, Share
from atisbo.errors import Invalid
from atisbo.services import drift
from atisbo.services.drift import Drifts
from atisbo.store.db import now
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import drawn_by_lot, truth
from atisbo.store.reviews import ReviewRecord

__all__ = ["SPANS", "Day", "Figures", "Watch", "look", "summary"]

SPANS: Final = (7, 30, 90, 365)
"""Days that can be looked at."""


@dataclass(frozen=True)
class Day:
    day: date
    asked: int
    refused: int
    unsure: int
    failed: int
    p50_s: float | None
    """From the upload to the answer, as ``p95_s``; None where nothing was answered."""
    p95_s: float | None
    right: Share
    """Of the reviewed answers given that day."""


@dataclass(frozen=True)
class Watch:
    days: list[Day]
    """Every day of the span, oldest first."""
    asked: int
    refused: Share
    unsure: Share
    p50_s: float | None
    p95_s: float | None
    right: Share
    by_lot: Share
    """The same of the answers whose number draws them by lot, as far as readers said something, in a panel or not:
    these alone are a fair sample, once they are read. While some wait, those of a panel have been read before them."""
    calibration: Calibration | None
    """None for outlines, whose probabilities are not calibrated."""
    drifts: Drifts


def look(session: Session, actor: Actor, *, application: str, version: str | None = None, days: int = 30) -> Watch:
    """Raises Invalid for a span that is not one of ``SPANS``."""
    actor.require(Right.SEE_ALL)
    if days not in SPANS:
        raise Invalid("span_wrong", "Choose one of these numbers of days: {days}.", days=", ".join(map(str, SPANS)))
    today = now().astimezone(UTC).date()
    first = today - timedelta(days - 1)
    scope = [PredictionRecord.application == application]
    if version is not None:
        scope.append(PredictionRecord.version == version)
    within = [*scope, PredictionRecord.created_at >= datetime(first.year, first.month, first.day, tzinfo=UTC)]
    total = session.execute(_figures(within)).one()
    right = session.execute(_verdicts(within)).one()
    return Watch(
        days=_days(session, within, first, today),
        asked=total.asked,
        refused=Share.of(total.refused, total.answered),
        unsure=Share.of(total.unsure, total.answered),
        p50_s=total.p50,
        p95_s=total.p95,
        right=Share.of(right.right, right.said),
        by_lot=_by_lot(session, within),
        calibration=_calibration(session, within),
        drifts=drift.look(session, application=application, version=version),
    )


@dataclass(frozen=True)
class Figures:
    """Of one version over the last day."""

    application: str
    version: str
    asked: int
    refused: int
    unsure: int
    failed: int
    p50_s: float | None
    p95_s: float | None
    right: Share


def summary(session: Session) -> list[Figures]:
    """For doors that are not opened by a person: every version that was asked in the last day."""
    by = (PredictionRecord.application, func.coalesce(PredictionRecord.version, "").label("version"))
    where = [PredictionRecord.created_at > now() - timedelta(days=1)]
    said = {(row.application, row.version): row for row in session.execute(_verdicts(where, *by))}
    found = []
    for row in session.execute(_figures(where, *by)):
        verdict = said.get((row.application, row.version))
        right = Share.of(verdict.right, verdict.said) if verdict else Share.of(0, 0)
        found.append(
            Figures(
                row.application, row.version, row.asked, row.refused, row.unsure, row.failed, row.p50, row.p95, right
            )
        )
    return found


_DAY: Final = func.date(func.timezone("UTC", PredictionRecord.created_at))


def _figures(where: list[ColumnElement[bool]], *by: SQLColumnExpression[Any]) -> Select[Any]:
    status = PredictionRecord.status
    took = func.extract("epoch", PredictionRecord.finished_at - PredictionRecord.created_at)
    answered = status.in_(("done", "unsure"))
    return (
        select(
            *by,
            func.count().label("asked"),
            func.count().filter(status.in_(("done", "unsure", "refused"))).label("answered"),
            func.count().filter(status == "refused").label("refused"),
            func.count().filter(status == "unsure").label("unsure"),
            func.count().filter(status == "failed").label("failed"),
            func.percentile_cont(0.5).within_group(took).filter(answered).label("p50"),
            func.percentile_cont(0.95).within_group(took).filter(answered).label("p95"),
        )
        .where(*where)
        .group_by(*by)
    )


def _said(where: list[ColumnElement[bool]]) -> type[ReviewRecord]:
    """The one review of each of these predictions that counts, however many people read it."""
    return aliased(ReviewRecord, truth(select(PredictionRecord.id).where(*where)).subquery())


def _verdicts(where: list[ColumnElement[bool]], *by: SQLColumnExpression[Any], read: bool = False) -> Select[Any]:
    """How many answers were said to be right, and how many right or wrong.

    Args:
        read: only what readers said, not whoever chose to say something.
    """
    review = _said(where)
    return (
        select(
            *by,
            func.count().filter(review.verdict == "right").label("right"),
            func.count().filter(review.verdict.in_(("right", "wrong"))).label("said"),
        )
        .join_from(review, PredictionRecord, PredictionRecord.id == review.prediction_id)
        .where(review.standing != "own" if read else true())
        .group_by(*by)
    )


def _by_lot(session: Session, where: list[ColumnElement[bool]]) -> Share:
    """Not by how they came to be read: what somebody puts into a panel stays among them."""
    row = session.execute(_verdicts([*where, drawn_by_lot()], read=True)).one()
    return Share.of(row.right, row.said)


def _days(session: Session, where: list[ColumnElement[bool]], first: date, last: date) -> list[Day]:
    day = _DAY.label("day")
    figures = {row.day: row for row in session.execute(_figures(where, day))}
    verdicts = {row.day: row for row in session.execute(_verdicts(where, day))}
    found = []
    for number in range((last - first).days + 1):
        one = first + timedelta(number)
        row, said = figures.get(one), verdicts.get(one)
        found.append(
            Day(
                day=one,
                asked=row.asked if row else 0,
                refused=row.refused if row else 0,
                unsure=row.unsure if row else 0,
                failed=row.failed if row else 0,
                p50_s=row.p50 if row else None,
                p95_s=row.p95 if row else None,
                right=Share.of(said.right, said.said) if said else Share.of(0, 0),
            )
        )
    return found


def _calibration(session: Session, where: list[ColumnElement[bool]]) -> Calibration | None:
    findings = PredictionRecord.findings
    said = cast(func.jsonb_extract_path_text(findings, "probabilities", findings["label"].astext), Float)
    review = _said(where)
    query = (
        select(said, review.verdict == "right")
        .join_from(review, PredictionRecord, PredictionRecord.id == review.prediction_id)
        .where(review.verdict.in_(("right", "wrong")))
    )
    answers = [(probability, right) for probability, right in session.execute(query) if probability is not None]
    return Calibration.of(answers) if answers else None
