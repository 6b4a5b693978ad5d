"""What the searchable pictures of an application are like, counted where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from atisbo.store.vectors import Vector, read

_SEEN = """
    WITH seen AS (
        SELECT e.label, e.vector, e.palette, e.grain, e.tone, COALESCE(e.item_id, e.prediction_id) AS id,
            COALESCE(i.sha256, c.sha256) AS sha256,
            COALESCE(c.file_name, CASE WHEN i.owner_id = :user THEN i.file_name END, '') AS name,
            CASE WHEN e.item_id IS NOT NULL THEN 'collection'
                WHEN EXISTS (SELECT FROM reviews r WHERE r.prediction_id = e.prediction_id AND r.superseded_at IS NULL
                    AND r.label IS NOT NULL) THEN 'reviewed'
                ELSE 'answered' END AS known
        FROM embeddings e
        LEFT JOIN images i ON i.id = e.image_id
        LEFT JOIN collection_items c ON c.id = e.item_id
        WHERE e.application = :application AND e.version = :version
            AND (:everything OR e.item_id IS NOT NULL OR i.owner_id = :user OR i.shared)
    )
"""


def among_seen(query: str) -> TextClause:
    """A question about the pictures of a :class:`Scope`, which it calls ``seen``."""
    return text("".join((_SEEN, query)))


_CLASSES = among_seen(
    """
    SELECT label, known, count(*) AS count, CAST(avg(palette * palette) AS text) AS colours, count(palette) AS coloured
    FROM seen GROUP BY label, known ORDER BY label, known
    """
)
_TYPICAL = among_seen(
    """
    , middle AS (SELECT label, avg(vector) AS vector FROM seen WHERE vector IS NOT NULL GROUP BY label)
    , apart AS (
        SELECT s.label, s.id, s.name,
            row_number() OVER (PARTITION BY s.label ORDER BY s.vector <=> m.vector, s.id) AS place,
            count(*) OVER (PARTITION BY s.label) AS count
        FROM seen s JOIN middle m USING (label) WHERE s.vector IS NOT NULL
    )
    SELECT label, id, name, place, count FROM apart
    WHERE place <= :few OR (place > count - :few AND count >= 3 * :few) ORDER BY label, place
    """
)
_SAME = among_seen(
    """
    SELECT array_agg(id ORDER BY id) AS ids, array_agg(COALESCE(label, '') ORDER BY id) AS labels,
        array_agg(name ORDER BY id) AS names
    FROM seen WHERE sha256 IS NOT NULL GROUP BY sha256 HAVING count(*) > 1 ORDER BY count(*) DESC, min(name) LIMIT :most
    """
)
_NEAR = among_seen(
    """
    SELECT ARRAY[a.id, b.id] AS ids, ARRAY[COALESCE(a.label, ''), COALESCE(b.label, '')] AS labels,
        ARRAY[a.name, b.name] AS names
    FROM seen a JOIN seen b ON a.id < b.id AND a.sha256 IS DISTINCT FROM b.sha256
    WHERE a.grain IS NOT NULL AND b.grain IS NOT NULL AND (a.grain <=> b.grain) <= 1 - :alike
    ORDER BY a.grain <=> b.grain, a.id LIMIT :most
    """
)


@dataclass(frozen=True)
class Scope:
    """Whose pictures: those of an application that one person may find, or all."""

    application: str
    version: str
    user: UUID
    everything: bool


@dataclass(frozen=True)
class Heap:
    """The pictures of one class that are known in one way: ``collection``, ``reviewed`` or ``answered``."""

    label: str | None
    known: str
    count: int
    colours: Vector | None
    """The mean of the palettes' squares: how much lies at each step, 1 in all."""
    coloured: int


@dataclass(frozen=True)
class Sight:
    """A picture by its place from the middle of its class, 1 the nearest; ``count`` are in it."""

    label: str | None
    id: UUID
    name: str
    place: int
    count: int


@dataclass(frozen=True)
class Twins:
    """Pictures that are the same, or nearly."""

    ids: Sequence[UUID]
    labels: Sequence[str]
    names: Sequence[str]


def heaps(session: Session, scope: Scope) -> list[Heap]:
    rows = session.execute(_CLASSES, vars(scope)).mappings()
    return [Heap(**row | {"colours": read(row["colours"]) if row["colours"] else None}) for row in map(dict, rows)]


def sights(session: Session, scope: Scope, *, few: int) -> list[Sight]:
    """The ``few`` nearest to the middle of each class, and as many of the farthest where there are enough."""
    return [Sight(**row) for row in session.execute(_TYPICAL, vars(scope) | {"few": few}).mappings()]


def same(session: Session, scope: Scope, *, most: int) -> list[Twins]:
    """Groups of pictures with the same bytes."""
    return [Twins(**row) for row in session.execute(_SAME, vars(scope) | {"most": most}).mappings()]


def near(session: Session, scope: Scope, *, alike: float, most: int) -> list[Twins]:
    """Pairs that the grain takes for the same picture, from the most alike on. All are compared with all."""
    return [Twins(**row) for row in session.execute(_NEAR, vars(scope) | {"alike": alike, "most": most}).mappings()]
