"""What was deleted a moment ago: the rows themselves, as JSON, where no query for them looks."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Table,
    Uuid,
    bindparam,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, Session, mapped_column

from atisbo.store.db import Base, Identified, among, now

Kept = dict[str, Any]
"""``rows``: [table, row] in an order in which they can be written again. ``links``: [table, column, id, value] of rows
that stayed and lost a reference."""


class DeletionRecord(Identified, Base):
    """One thing that was deleted; it goes with the job that erases what is left of it."""

    __tablename__ = "deletions"
    __table_args__ = (Index("ix_deletions_actor", "actor_id", "until"),)

    deed: Mapped[uuid.UUID]
    """Equal for what was deleted with one click."""
    kind: Mapped[str] = mapped_column(String(20))
    """See ``domain.deletions.Kind``."""
    actor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    original: Mapped[str | None] = mapped_column(String(64), index=True)
    """Of an image: the SHA-256 of its bytes, which are still there."""
    predictions: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()), default=list)
    """Whose pictures are still there."""
    kept: Mapped[Kept] = mapped_column(JSONB)
    until: Mapped[datetime]


def names_original(session: Session, sha256: str) -> bool:
    """Whether these bytes belong to an image that can still be brought back."""
    return bool(session.scalar(select(exists().where(DeletionRecord.original == sha256))))


def names_prediction(session: Session, prediction_id: uuid.UUID) -> bool:
    """Whether this prediction can still be brought back."""
    return bool(session.scalar(select(exists().where(DeletionRecord.predictions.contains([prediction_id])))))


def left(session: Session) -> list[DeletionRecord]:
    """Those that should have been erased by now, and that no job is about to erase."""
    job = text(
        """
        NOT EXISTS (
            SELECT FROM pgqueuer job WHERE job.entrypoint = 'erase' AND job.status <> 'failed'
            AND convert_from(job.payload, 'UTF8')::jsonb ->> 'deletion' = deletions.id::text
        )
        """
    )
    return list(session.scalars(select(DeletionRecord).where(DeletionRecord.until < now(), job)))


def copied(session: Session, table: Table, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Kept]:
    """Of each of these rows: itself and every row that would go with it, and the references that others would lose."""
    found: dict[uuid.UUID, Kept] = {one: {"rows": [], "links": []} for one in ids}
    roots: dict[Table, dict[str, uuid.UUID]] = {table: {str(one): one for one in ids}}
    for row in _rows(session, table, table.c.id, list(ids)):
        found[uuid.UUID(row["id"])]["rows"].append([table.name, row])
    for child in Base.metadata.sorted_tables:
        seen = set()
        for column, parent in _references(child, roots):
            for row in _rows(session, child, column, list(roots[parent])):
                root = roots[parent][row[column.name]]
                if _follows(column):
                    key = tuple(row[one.name] for one in child.primary_key)
                    if key not in seen:
                        seen.add(key)
                        found[root]["rows"].append([child.name, row])
                        roots.setdefault(child, {})[str(row.get("id"))] = root
                else:
                    found[root]["links"].append([child.name, column.name, row["id"], row[column.name]])
    return found


def _references(child: Table, roots: Mapping[Table, Any]) -> Iterator[tuple[Column[Any], Table]]:
    """Columns of the table that point at one whose rows go."""
    for constraint in child.foreign_key_constraints:
        if constraint.referred_table in roots and constraint.referred_table is not child:
            yield constraint.columns[0], constraint.referred_table


def _follows(column: Column[Any]) -> bool:
    (constraint,) = (one.constraint for one in column.foreign_keys)
    assert isinstance(constraint, ForeignKeyConstraint)
    return constraint.ondelete == "CASCADE"


def _rows(session: Session, table: Table, column: Column[Any], values: list[Any]) -> list[dict[str, Any]]:
    query = select(func.to_jsonb(text(table.name))).select_from(table).where(among(column, values))
    return list(session.scalars(query))


def write_again(session: Session, kept: Kept) -> None:
    """Put rows back as they were, and the references to them.

    Raises:
        IntegrityError: something else stands in their place by now, or what they hung on is gone.
    """
    of = defaultdict(list)
    for name, row in kept["rows"]:
        of[name].append(row)
    for name, rows in of.items():
        columns = ", ".join(column.name for column in Base.metadata.tables[name].columns if column.computed is None)
        query = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM jsonb_populate_recordset(NULL::{name}, :rows)"  # noqa: S608 -- names of our own tables
        session.execute(text(query).bindparams(bindparam("rows", type_=JSONB)), {"rows": rows})
    for name, column, row_id, value in kept["links"]:
        table = Base.metadata.tables[name]
        lost = table.update().where(table.c.id == uuid.UUID(row_id), table.c[column].is_(None))
        session.execute(lost.values({column: uuid.UUID(value)}))
