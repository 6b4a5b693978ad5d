"""How bright pictures are in red, green and blue, counted by class where they lie."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from atisbo.store.profiles import Scope, among_seen

STEPS: Final = 16
"""Of 256 levels."""

_COUNTED: Final = """
    SELECT label, CAST(channel AS int) - 1 AS channel, CAST(floor(mean * :steps / 256) AS int) AS step,
        count(*) AS count, sum(mean) AS total, sum(mean * mean) AS squares
    FROM seen CROSS JOIN LATERAL unnest(CAST(CAST(tone AS real[]) AS float8[])) WITH ORDINALITY AS c(mean, channel)
    GROUP BY label, channel, step ORDER BY label, channel, step
"""
_OF_SCOPE: Final = among_seen(_COUNTED)
_CLOSED: Final = """
    WITH seen AS (
        SELECT i.label, e.tone FROM dataset_items i CROSS JOIN LATERAL (
            SELECT tone FROM embeddings WHERE prediction_id = i.prediction_id AND tone IS NOT NULL LIMIT 1
        ) e
        WHERE i.dataset_id = :dataset AND i.split <> 'test' AND i.picture IS NOT NULL
    )
"""
_OF_DATASET: Final = text("".join((_CLOSED, _COUNTED)))


@dataclass(frozen=True)
class Heap:
    """The pictures of a class whose mean of a channel (0 red, 1 green, 2 blue) lies within one step."""

    label: str | None
    channel: int
    step: int
    """0 dark to 15 bright."""
    count: int
    total: float
    """Of the means, 0 to 255 each, and ``squares`` the total of their squares."""
    squares: float


def of_scope(session: Session, scope: Scope) -> list[Heap]:
    return [Heap(**row) for row in session.execute(_OF_SCOPE, vars(scope) | {"steps": STEPS}).mappings()]


def of_dataset(session: Session, dataset_id: uuid.UUID) -> list[Heap]:
    """Of the images to learn from and to choose by: the sealed side stays closed."""
    return [Heap(**row) for row in session.execute(_OF_DATASET, {"dataset": dataset_id, "steps": STEPS}).mappings()]
