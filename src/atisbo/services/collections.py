"""Reference collections: what is in them, what comes in and what goes out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from atisbo.errors import Invalid, NotFound
from atisbo.store import embeddings
from atisbo.store.blobs import Blobs, collected
from atisbo.store.collections import CollectionRecord, ItemRecord
from atisbo.store.db import among
from atisbo.store.embeddings import EmbeddingRecord, Look
from atisbo.store.queue import TAKE_OUT, enqueue

INDEX: Final = "index.csv"


@dataclass(frozen=True)
class Entry:
    """A file of a folder and what is known of it."""

    file: str
    """Path within the folder."""
    label: str | None = None
    source: str = ""
    licence: str = ""
    location: str = ""


@dataclass(frozen=True)
class Summary:
    """What a collection holds."""

    application: str
    version: str | None
    """That is searched."""
    items: int
    by_label: dict[str, int]


def read_folder(folder: Path) -> list[Entry]:
    """The files of a folder, in the order of their paths.

    With an ``index.csv`` (columns ``file``, ``class`` or ``label``, ``source``, ``licence``, ``location``) those that
    it names; without one every file, with the name of the sub-folder it lies in as its label.

    Raises:
        Invalid: the list has no column ``file``, or is no text.
    """
    index = folder / INDEX
    if index.is_file():
        return list(_listed(index))
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        Entry(path.as_posix(), label=path.parts[-2] if len(path.parts) > 1 else None, location=path.as_posix())
        for path in found
        if not any(part.startswith(".") for part in path.parts)
    ]


def _listed(index: Path) -> Iterator[Entry]:
    try:
        with index.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "file" not in (reader.fieldnames or ()):
                raise Invalid("collection_index", "{path} has no column named file.", path=index)
            for row in reader:
                said = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
                yield Entry(
                    file=said["file"],
                    label=said.get("label") or said.get("class") or None,
                    source=said.get("source", ""),
                    licence=said.get("licence", ""),
                    location=said.get("location") or said["file"],
                )
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid("collection_index_text", "{path} is not a CSV file in UTF-8.", path=index) from error


def known(session: Session, *, application: str, sha256: str) -> bool:
    """Whether the collection has a picture of these bytes."""
    query = select(ItemRecord.id).where(ItemRecord.application == application, ItemRecord.sha256 == sha256)
    return session.scalar(query) is not None


def add(session: Session, *, application: str, version: str, sha256: str | None, entry: Entry, look: Look) -> bool:
    """Write an item and its embedding; False if these bytes are there already. The look's subject is its id."""
    begin(session, application)
    written = session.scalar(
        insert(ItemRecord)
        .values(
            id=look.subject_id,
            application=application,
            sha256=sha256,
            file_name=Path(entry.file).name[:200],
            label=entry.label,
            source=entry.source,
            licence=entry.licence,
            location=entry.location,
        )
        .on_conflict_do_nothing()
        .returning(ItemRecord.id)
    )
    if written is None:
        return False
    session.add(
        EmbeddingRecord(
            application=application,
            version=version,
            item_id=look.subject_id,
            label=entry.label,
            vector=look.vector,
            palette=look.palette,
            grain=look.grain,
            tone=look.tone,
        )
    )
    session.flush()
    return True


def begin(session: Session, application: str) -> None:
    """The collection's own row, if it is not there."""
    session.execute(insert(CollectionRecord).values(application=application).on_conflict_do_nothing())


def shipped(session: Session, application: str) -> str | None:
    """Which edition of the application's own collection was taken in."""
    return session.scalar(select(CollectionRecord.shipped).where(CollectionRecord.application == application))


def set_shipped(session: Session, application: str, edition: str) -> None:
    begin(session, application)
    record = session.get_one(CollectionRecord, application)
    record.shipped = edition
    session.flush()


def summary(session: Session, application: str) -> Summary:
    """How many pictures of which label."""
    query = select(ItemRecord.label, func.count()).where(ItemRecord.application == application)
    counts = {label or "": count for label, count in session.execute(query.group_by(ItemRecord.label)).all()}
    searched = embeddings.searched(session, application)
    return Summary(application, searched, sum(counts.values()), dict(sorted(counts.items())))


def items(session: Session, application: str) -> list[ItemRecord]:
    """Every item, in the order in which they came."""
    query = select(ItemRecord).where(ItemRecord.application == application)
    return list(session.scalars(query.order_by(ItemRecord.created_at, ItemRecord.id)))


def remove(session: Session, *, application: str, ids: Sequence[UUID]) -> int:
    """Take items out of the collection and of every search now, and their pictures by a job; returns how many.

    Raises:
        NotFound: one of them is not there; nothing was taken out.
    """
    there = set(
        session.scalars(select(ItemRecord.id).where(ItemRecord.application == application, among(ItemRecord.id, ids)))
    )
    for item_id in ids:
        if item_id not in there:
            raise NotFound("item_unknown", "There is no item {id} in this collection.", id=item_id)
    if there:
        enqueue(session, TAKE_OUT, {"items": [str(item_id) for item_id in there]})
        session.execute(delete(ItemRecord).where(among(ItemRecord.id, there)))
    return len(there)


def forget(blobs: Blobs, ids: Sequence[UUID]) -> None:
    """For workers: remove the pictures of items that are gone."""
    for item_id in ids:
        blobs.delete_folder(collected(item_id, ""))
