"""What each file is, by where it lies and what index.csv says: picture or mask, of which class, in which split.

Three layouts, also mixed and nested: ``images/`` beside ``masks/`` (or ``disc/``, ``cup/`` …), one folder per class,
and an ``index.csv`` with a column ``label`` or ``class``. Splits are folders called ``train``, ``val`` and
``test``, or a column ``split``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal

Role = Literal["image", "mask"]
Parts = tuple[str, ...]

INDEX: Final = "index.csv"
IMAGES: Final = "images"
SPLITS: Final = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
GROUPS: Final = ("centre", "center", "hospital", "site", "patient", "source", "release", "device")
"""Columns whose values should not share a picture, looked at where they are there."""
FILE_COLUMNS: Final = ("file", "filename", "image", "path")
_LABEL: Final = ("label", "class")


@dataclass(frozen=True, slots=True)
class Place:
    """What a file is."""

    role: Role
    kind: str = ""
    """Folder of the masks it belongs to, such as ``masks`` or ``polyp/masks``."""
    root: str = ""
    """Folder that holds ``images``; empty for the folder itself, or where there is none."""
    key: str = ""
    """Path below images/ or masks/ without its suffix: what an image and its mask share."""
    label: str = ""
    split: str = ""
    groups: Parts = ()
    """Values of the group columns, in their order; empty where there is none."""


@dataclass
class Index:
    """Rows of all index.csv, by the path of the file they speak of."""

    rows: dict[str, tuple[str, str, Parts]] = field(default_factory=dict)
    """Path → label, split, groups."""
    columns: Parts = ()
    """The group columns that are there."""
    missing: list[str] = field(default_factory=list)
    """Named by a row, and not there."""
    twice: list[str] = field(default_factory=list)
    """Named by several rows; the first one counts."""
    faults: dict[str, str] = field(default_factory=dict)
    """Path of an index.csv → why it cannot be used."""


def places(
    root: Path, files: Sequence[str], others: Iterable[str], by: Sequence[str]
) -> tuple[dict[str, Place], Index]:
    """What every file is.

    Args:
        files: paths of pictures, relative to ``root``.
        others: paths of other files; each index.csv among them is read.
        by: group columns asked for; those of :data:`GROUPS` are looked for where it is empty.
    """
    roots = {parts[:at] for parts in map(_parts, files) if (at := _images_at(parts)) is not None}
    index = read_indices(root, [path for path in others if PurePosixPath(path).name == INDEX], set(files), by)
    found = {}
    for path in files:
        place = place_of(_parts(path), roots)
        if path in index.rows and place.role == "image":
            label, split, groups = index.rows[path]
            place = Place(
                "image", "", place.root, place.key, label or place.label, named_split(split) or place.split, groups
            )
        found[path] = place
    return found, index


def place_of(parts: Parts, roots: set[Parts]) -> Place:
    """By its path alone; ``roots`` are the folders that hold images/."""
    at = _images_at(parts)
    split = next((SPLITS[part.lower()] for part in parts[:-1] if part.lower() in SPLITS), "")
    if at is None:
        length = next((n for n in range(len(parts) - 2, -1, -1) if parts[:n] in roots), None)
        if length is not None:
            return Place("mask", "/".join(parts[: length + 1]), "/".join(parts[:length]), _key(parts[length + 1 :]))
        return Place("image", key=_key(parts), label=_class(parts[:-1]), split=split)
    return Place("image", "", "/".join(parts[:at]), _key(parts[at + 1 :]), _class(parts[at + 1 : -1]), split)


def named_split(value: str) -> str:
    """``train``, ``val``, ``test``, or the value as it is."""
    return SPLITS.get(value.lower(), value)


def read_indices(root: Path, paths: Iterable[str], files: set[str], by: Sequence[str]) -> Index:
    """All index.csv, the outermost first."""
    index = Index()
    tables: list[tuple[str, list[dict[str, str]]]] = []
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        try:
            with (root / path).open(encoding="utf-8-sig", newline="") as lines:
                tables.append((str(PurePosixPath(path).parent), [_clean(row) for row in csv.DictReader(lines)]))
        except (OSError, ValueError, csv.Error):
            index.faults[path] = "index_unreadable"
    there = {name for _, rows in tables for row in rows[:1] for name in row}
    index.columns = tuple(name for name in (by or GROUPS) if name in there)
    for folder, rows in tables:
        if rows and not any(name in rows[0] for name in FILE_COLUMNS):
            index.faults[str(PurePosixPath(folder) / INDEX)] = "index_no_file_column"
            continue
        for row in rows:
            _enter(index, "" if folder == "." else folder + "/", row, files)
    return index


def _enter(index: Index, prefix: str, row: Mapping[str, str], files: set[str]) -> None:
    file = next(row[name] for name in FILE_COLUMNS if name in row)
    options = (f"{prefix}{file}", f"{prefix}{IMAGES}/{file}")
    path = next((option for option in options if option in files), None)
    if path is None:
        index.missing.append(options[0])
    elif path in index.rows:
        index.twice.append(path)
    else:
        label = next((row[name] for name in _LABEL if row.get(name)), "")
        index.rows[path] = (label, row.get("split", ""), tuple(row.get(name, "") for name in index.columns))


def _clean(row: Mapping[str | None, object]) -> dict[str, str]:
    """Cells that have a name and a value."""
    return {name: value.strip() for name, value in row.items() if isinstance(name, str) and isinstance(value, str)}


def _parts(path: str) -> Parts:
    return tuple(path.split("/"))


def _images_at(parts: Parts) -> int | None:
    return next((at for at, part in enumerate(parts[:-1]) if part.lower() == IMAGES), None)


def _class(folders: Parts) -> str:
    return next((part for part in folders if part.lower() not in SPLITS), "")


def _key(parts: Parts) -> str:
    return str(PurePosixPath(*parts).with_suffix(""))
