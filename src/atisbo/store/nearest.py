"""The nearest vectors: exactly while they are few, by an HNSW index of each application and version once they are many.

An index holds halves of the numbers' bits; what it finds is ordered again by the whole numbers. A filter is applied
while the index is walked (pgvector's iterative scan); should the walk end too early, every vector is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Engine, Float, Select, String, bindparam, cast, func, literal, select, text
from sqlalchemy.orm import Session
from sqlalchemy.types import UserDefinedType

from atisbo.store.db import EF_SEARCH
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.vectors import Vector, written

By = Literal["embedding", "palette", "grain"]
COLUMNS: Final = {
    "embedding": EmbeddingRecord.vector,
    "palette": EmbeddingRecord.palette,
    "grain": EmbeddingRecord.grain,
}
FEW: Final = 2000
"""Pictures of a label that are looked at one by one."""
INDEXED: Final[tuple[By, ...]] = ("embedding", "palette")
_Rows = Select[UUID, UUID | None, UUID | None, str | None, float]

INDEX_FROM: Final = 10_000
"""Vectors of one version from which an index is quicker than looking at all; see benchmarks/README.md."""
M: Final = 24
EF_CONSTRUCTION: Final = 256
SPARE: Final = 4
"""The index gives so many times more than are wanted: its order, by halves and by a walk with a filter, is rough."""
BUILD_MEMORY: Final = "2GB"


class _Half(UserDefinedType[str]):
    """pgvector's ``halfvec``."""

    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_: Any) -> str:
        return f"halfvec({self.dimensions})"


class _Whole(UserDefinedType[str]):
    """A parameter written as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "vector"


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Place:
    """One application's embeddings of one version."""

    application: str
    version: str

    def index(self, by: By) -> str:
        """The name of its index."""
        return f"ix_nearest_{by}_{_short(self.application)}_{_short(self.version)}"

    def here(self) -> ColumnElement[bool]:
        """Written out, not as parameters: only then does the planner know that the index is meant."""
        application = bindparam(None, self.application, String, literal_execute=True)
        version = bindparam(None, self.version, String, literal_execute=True)
        return (EmbeddingRecord.application == application) & (EmbeddingRecord.version == version)

    def of(self, by: By) -> ColumnElement[bool]:
        """What can be compared."""
        return self.here() & COLUMNS[by].is_not(None)


@dataclass(frozen=True)
class Near:
    """One embedding and the cosine of its angle to the one asked for, -1 to 1."""

    id: UUID
    item_id: UUID | None
    prediction_id: UUID | None
    label: str | None
    similarity: float


def nearest(
    session: Session,
    place: Place,
    *,
    to: Vector,
    by: By,
    where: Sequence[ColumnElement[bool]],
    limit: int,
    indexed: bool = True,
) -> list[Near]:
    """The most alike, most alike first; never fewer than ``limit`` where so many pass ``where``.

    Args:
        indexed: False for a filter that only few pass, for which looking at those few is quicker.
    """
    if indexed and _walks(session, place, by, limit):
        found = _found(session, _query(place, by, len(to)).where(*where).limit(SPARE * limit), to)
        if len(found) >= limit:
            return found[:limit]
    return _found(session, _query(place, by, None).where(*where).limit(limit), to)


@lru_cache(maxsize=256)
def _query(place: Place, by: By, halves: int | None) -> _Rows:
    """The nearest to ``:to`` first, by as many halves, as the index holds them, or exactly; put together once."""
    to = bindparam("to", type_=String)
    exact = COLUMNS[by].op("<=>", return_type=Float)(cast(to, _Whole()))
    half = _Half(halves) if halves else None
    order = cast(COLUMNS[by], half).op("<=>", return_type=Float)(cast(to, half)) if half else exact
    query = select(
        EmbeddingRecord.id,
        EmbeddingRecord.item_id,
        EmbeddingRecord.prediction_id,
        EmbeddingRecord.label,
        (1 - exact).label("similarity"),
    )
    return query.where(place.of(by)).order_by(order)


def _found(session: Session, query: _Rows, to: Vector) -> list[Near]:
    rows = session.execute(query, {"to": written(to)})
    return sorted((Near(*row) for row in rows), key=lambda near: -near.similarity)


def has_index(session: Session, place: Place, by: By) -> bool:
    """Whether there is a finished index."""
    return bool(session.scalar(_IS_THERE, {"name": place.index(by)}))


_IS_THERE: Final = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def are_few(session: Session, place: Place, label: str | None) -> bool:
    """Whether so few pictures have this label that looking at all of them is quicker than walking an index for them.

    That there are many is remembered by the connection: should they become few, the answer is still right.
    """
    known, key = session.connection().info, ("many", place, label)
    if key not in known:
        # Nothing that the index of labels does not hold, so that no row has to be fetched.
        some = select(literal(1)).where(place.here(), EmbeddingRecord.label == label).limit(FEW + 1)
        if (session.scalar(select(func.count()).select_from(some.subquery())) or 0) <= FEW:
            return True
    known[key] = True
    return False


def _walks(session: Session, place: Place, by: By, limit: int) -> bool:
    """Whether there is an index, remembered by the connection: without one that there was, the answer is still right,
    only slower. A walk is made as wide as an unusual wish needs it for the rest of the transaction."""
    name, known = place.index(by), session.connection().info
    if name not in known and not has_index(session, place, by):
        return False
    known[name] = True
    if limit > EF_SEARCH:
        session.execute(_WIDER, {"width": str(min(limit, 1000))})
    return True


_WIDER: Final = text("SELECT set_config('hnsw.ef_search', :width, true)")


def build(engine: Engine, place: Place, by: By, *, dimensions: int) -> None:
    """Make the index beside what goes on; one whose making was cut short is made anew."""
    name = place.index(by)
    quoted = [value.replace("'", "''") for value in (place.application, place.version)]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        connection.exec_driver_sql(f"SET maintenance_work_mem = '{BUILD_MEMORY}'")
        try:
            connection.exec_driver_sql(
                f"CREATE INDEX CONCURRENTLY {name} ON embeddings USING hnsw"
                f" (({COLUMNS[by].key}::halfvec({dimensions})) halfvec_cosine_ops)"
                f" WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})"
                f" WHERE application = '{quoted[0]}' AND version = '{quoted[1]}'"
            )
        finally:
            connection.exec_driver_sql("RESET maintenance_work_mem")


def drop_earlier(engine: Engine, place: Place) -> None:
    """Remove the indexes of this application's other versions."""
    kept = {place.index(by) for by in INDEXED}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        names = connection.execute(
            text("SELECT indexname FROM pg_indexes WHERE indexname LIKE :pattern"),
            {"pattern": f"ix\\_nearest\\_%\\_{_short(place.application)}\\_%"},
        )
        for (name,) in names.all():
            if name not in kept:
                connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
