"""The order of the inbox as SQL: what ``domain.inbox`` says in plain Python."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Float, case, func, literal_column, select
from sqlalchemy.orm import aliased

from atisbo.domain import inbox as rules
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.predictions import PredictionRecord
from atisbo.store.reviews import ReviewRecord

LOT: ColumnElement[float] = literal_column(
    "(('x' || left(predictions.id::text, 8))::bit(32)::bigint / 4294967296.0)", type_=Float
)
"""``domain.inbox.lot`` as SQL."""


def worth() -> ColumnElement[float]:
    """``domain.inbox.worth`` as SQL."""
    told = PredictionRecord.findings["uncertainty"].as_float()
    doubt = rules.FLOOR + (1 - rules.FLOOR) * func.coalesce(told, rules.UNTOLD)
    said = (
        select(ReviewRecord.verdict)
        .where(
            ReviewRecord.prediction_id == PredictionRecord.id,
            ReviewRecord.author_id == PredictionRecord.owner_id,
            ReviewRecord.superseded_at.is_(None),
        )
        .scalar_subquery()
    )
    known = {verdict: value for verdict, value in rules.DISAGREEMENT.items() if verdict is not None}
    return doubt * case(known, value=said, else_=rules.DISAGREEMENT[None])


def unlike() -> ColumnElement[float]:
    """``domain.inbox.unlike`` as SQL."""
    own, theirs = aliased(EmbeddingRecord), aliased(EmbeddingRecord)
    nearest = (
        select(func.min(own.vector.op("<=>", return_type=Float())(theirs.vector)))
        .where(
            own.prediction_id == PredictionRecord.id,
            theirs.item_id.is_not(None),
            theirs.application == own.application,
            theirs.version == own.version,
        )
        .scalar_subquery()
    )
    more = rules.NEAR_WORTH + (1 - rules.NEAR_WORTH) * func.least(nearest / rules.FAR, 1.0)
    return case((nearest.is_(None), 1.0), else_=more)
