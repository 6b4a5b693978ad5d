"""A folder without what cannot be opened and without repeats, or a list of what would be in it."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from atisbo.errors import Invalid
from atisbo.evaluation.profile.layout import FILE_COLUMNS, IMAGES, INDEX
from atisbo.evaluation.profile.records import Record
from atisbo.evaluation.profile.walk import Tree, shown


def kept(records: Sequence[Record]) -> list[Record]:
    """Images that can be opened, of several of the same bytes the first, and the good masks of those."""
    seen: set[bytes] = set()
    images: list[Record] = []
    for record in records:
        if record.place.role == "image" and record.good and record.sha256 not in seen:
            seen.add(record.sha256)
            images.append(record)
    keys = {(record.place.root, record.place.key) for record in images}
    masks = [r for r in records if r.place.role == "mask" and r.good and (r.place.root, r.place.key) in keys]
    return sorted([*images, *masks], key=lambda record: record.path)


def clean(root: Path, target: Path, records: Sequence[Record], tree: Tree) -> int:
    """Write the cleaned folder: hard links where the file system can, copies elsewhere. Each index.csv loses its rows.

    Returns:
        Files written, without the tables.

    Raises:
        Invalid: ``target`` is there and not empty, or it and the folder lie in each other.
    """
    check_target(root, target)
    good = kept(records)
    for record in good:
        _put(root / record.path, target / record.path)
    there = {record.path for record in good}
    for path in tree.others:
        if PurePosixPath(path).name == INDEX:
            _filtered(root / path, target / path, str(PurePosixPath(path).parent), there)
    return len(good)


def check_target(root: Path, target: Path) -> None:
    """Raises Invalid where a cleaned copy of ``root`` may not be written."""
    source, there = root.resolve(), target.resolve()
    if there.is_relative_to(source) or source.is_relative_to(there):
        raise Invalid("clean_inside", "{target} and {folder} lie in each other.", target=target, folder=root)
    if there.exists() and (not there.is_dir() or any(there.iterdir())):
        raise Invalid("clean_not_empty", "{target} is there already, and not empty.", target=target)


def write_index(file: Path, records: Sequence[Record], columns: Sequence[str]) -> int:
    """List the images of the cleaned folder: file, class, split, group columns, width and height.

    Returns:
        Rows written.
    """
    images = [record for record in kept(records) if record.place.role == "image"]
    with file.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(["file", "class", "split", *columns, "width", "height"])
        for record in images:
            values = record.values(columns)
            cells = [values.get(name, "") for name in ("class", "split", *columns)]
            table.writerow([shown(record.path), *map(shown, cells), record.width, record.height])
    return len(images)


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    real = source.resolve()
    try:
        os.link(real, target)
    except OSError:
        shutil.copyfile(real, target)
        with contextlib.suppress(OSError):
            shutil.copystat(real, target)


def _filtered(source: Path, target: Path, folder: str, there: Iterable[str]) -> None:
    """The table with the rows whose file is there; a table that cannot be read is left out."""
    prefix = "" if folder == "." else folder + "/"
    known = set(there)
    try:
        with source.open(encoding="utf-8-sig", newline="") as lines:
            names, *rows = list(csv.reader(lines)) or [[]]
    except (OSError, ValueError, csv.Error):
        return
    at = next((names.index(name) for name in FILE_COLUMNS if name in names), None)
    if at is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(names)
        table.writerows(
            row
            for row in rows
            if len(row) > at and {f"{prefix}{row[at].strip()}", f"{prefix}{IMAGES}/{row[at].strip()}"} & known
        )
