"""Embeddings of a collection as tables that other programs read: CSV and Parquet, out and in."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from atisbo.errors import Invalid, Misconfigured
from atisbo.services import collections
from atisbo.services.collections import Entry
from atisbo.services.embeddings import Look
from atisbo.store.collections import ItemRecord
from atisbo.store.embeddings import EmbeddingRecord
from atisbo.store.vectors import Vector

WORDS: Final = ("file", "label", "source", "licence", "location", "sha256", "version")
_AT_ONCE: Final = 1000
_PARQUET: Final = ".parquet"


@dataclass(frozen=True)
class Row:
    """One picture of a table: its words, and its numbers."""

    line: int
    """Of the file, the first picture's is 2."""
    words: dict[str, str]
    vector: Vector


@dataclass(frozen=True)
class Brought:
    added: int
    known: int


def export(session: Session, *, application: str, version: str, path: Path) -> int:
    """Write every item that this version has seen, as CSV or, by the file's ending, as Parquet; returns how many.

    Raises:
        Misconfigured: Parquet is asked for and not installed.
    """
    rows = _rows(session, application, version)
    return (_to_parquet if path.suffix == _PARQUET else _to_csv)(rows, path)


def _rows(session: Session, application: str, version: str) -> Iterator[tuple[dict[str, str], Vector]]:
    query = (
        select(ItemRecord, EmbeddingRecord.vector)
        .join(EmbeddingRecord, EmbeddingRecord.item_id == ItemRecord.id)
        .where(
            ItemRecord.application == application,
            EmbeddingRecord.version == version,
            EmbeddingRecord.vector.is_not(None),
        )
        .order_by(ItemRecord.created_at, ItemRecord.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for item, vector in session.execute(query):
        words = {name: getattr(item, name) or "" for name in ("label", "source", "licence", "location", "sha256")}
        yield {"file": item.file_name, **words, "version": version}, vector or ()


def _to_csv(rows: Iterable[tuple[dict[str, str], Vector]], path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for count, (words, vector) in enumerate(rows, 1):
            if count == 1:
                writer.writerow([*WORDS, *(f"e{number}" for number in range(len(vector)))])
            writer.writerow([*(words[name] for name in WORDS), *map(repr, vector)])
    return count


def _to_parquet(rows: Iterable[tuple[dict[str, str], Vector]], path: Path) -> int:
    arrow, parquet = _arrow()
    count, rest = 0, iter(rows)
    writer: Any = None
    schema: Any = None
    try:
        while some := list(islice(rest, _AT_ONCE)):
            if schema is None:
                numbers = arrow.list_(arrow.float32(), len(some[0][1]))
                schema = arrow.schema([*((name, arrow.string()) for name in WORDS), ("embedding", numbers)])
                writer = parquet.ParquetWriter(path, schema)
            columns = {name: [words[name] for words, _ in some] for name in WORDS}
            writer.write_table(arrow.table(columns | {"embedding": [vector for _, vector in some]}, schema))
            count += len(some)
    finally:
        if writer is not None:
            writer.close()
    return count


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise Misconfigured(
            "parquet_missing", "Parquet needs another package: pip install 'atisbo[parquet]'. CSV works without it."
        ) from error
    return pyarrow, parquet


def bring(
    session: Session, *, application: str, version: str, path: Path, told: Callable[[int], None] = lambda _: None
) -> Brought:
    """Take a table in: all of it, or nothing. What the collection has by its bytes or its place is passed over.

    Only numbers come with a table, no pictures: what came in by it is lost to the search when the network changes.

    Args:
        told: called with 1 after each row.

    Raises:
        Invalid: a row has the wrong number of values, or something that is no number, or is of another version; the
            sentence names the line.
        Misconfigured: Parquet is asked for and not installed.
    """
    collections.begin(session, application)
    expected = _dimensions(session, application, version)
    added = known = 0
    for row in (_from_parquet if path.suffix == _PARQUET else _from_csv)(path):
        expected = expected or len(row.vector)
        _check(row, expected, version)
        if _known(session, application, row):
            known += 1
        else:
            added += 1
            collections.add(
                session,
                application=application,
                version=version,
                sha256=None,
                entry=_entry(row.words),
                look=Look(uuid4(), row.vector),
            )
        told(1)
    return Brought(added, known)


def _entry(words: dict[str, str]) -> Entry:
    return Entry(
        file=words.get("file", ""),
        label=words.get("label") or None,
        source=words.get("source", ""),
        licence=words.get("licence", ""),
        location=words.get("location", ""),
    )


def _dimensions(session: Session, application: str, version: str) -> int:
    """How many numbers this version gives, as far as is known."""
    of = select(func.vector_dims(EmbeddingRecord.vector)).where(
        EmbeddingRecord.application == application,
        EmbeddingRecord.version == version,
        EmbeddingRecord.vector.is_not(None),
    )
    return int(session.scalar(of.limit(1)) or 0)


def _known(session: Session, application: str, row: Row) -> bool:
    sha256, location = row.words.get("sha256"), row.words.get("location")
    if sha256 and collections.known(session, application=application, sha256=sha256):
        return True
    same = select(ItemRecord.id).where(
        ItemRecord.application == application,
        ItemRecord.location == location,
        ItemRecord.file_name == Path(row.words.get("file", "")).name,
    )
    return bool(location) and session.scalar(same.limit(1)) is not None


def _check(row: Row, expected: int, version: str) -> None:
    if len(row.vector) != expected:
        raise _wrong(row.line, f"{len(row.vector)} values instead of {expected}")
    if not all(map(math.isfinite, row.vector)) or not any(row.vector):
        raise _wrong(row.line, "the values are not all finite, or all zero")
    made_by = row.words.get("version") or version
    if made_by != version:
        raise _wrong(row.line, f"made by {made_by}, but {version} is at work; add the pictures themselves instead")


def _wrong(line: int, reason: str) -> Invalid:
    return Invalid("embeddings_wrong", "Line {line}: {reason}. Nothing was taken in.", line=line, reason=reason)


def _from_csv(path: Path) -> Iterator[Row]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        try:
            reader = csv.reader(file)
            header = next(reader, [])
            places = [at for at, name in enumerate(header) if _is_value(name)]
            if not places:
                raise _wrong(1, "no columns e0, e1, … with the values")
            for cells in reader:
                if len(cells) != len(header):
                    missing = len(places) + len(cells) - len(header)
                    raise _wrong(reader.line_num, f"{missing} values instead of {len(places)}")
                words = {name: cells[at] for at, name in enumerate(header) if name in WORDS}
                yield Row(reader.line_num, words, tuple(_number(cells[at], reader.line_num) for at in places))
        except (UnicodeDecodeError, csv.Error) as error:
            raise Invalid("collection_index_text", "{path} is not a CSV file in UTF-8.", path=path) from error


def _is_value(name: str) -> bool:
    return name[:1] == "e" and name[1:].isdigit()


def _number(text: str, line: int) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _wrong(line, f"“{text[:40]}” is no number") from error


def _from_parquet(path: Path) -> Iterator[Row]:
    arrow, parquet = _arrow()
    try:
        with parquet.ParquetFile(path) as file:
            if "embedding" not in file.schema_arrow.names:
                raise _wrong(1, "no column named embedding")
            line = 1
            for some in file.iter_batches(_AT_ONCE):
                for cells in some.to_pylist():
                    line += 1
                    words = {name: str(cells.get(name) or "") for name in WORDS}
                    yield Row(line, words, tuple(map(float, cells["embedding"] or ())))
    except arrow.lib.ArrowInvalid as error:
        raise Invalid("parquet_damaged", "{path} is not a Parquet file.", path=path) from error
