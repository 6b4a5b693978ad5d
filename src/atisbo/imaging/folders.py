"""Folders of labelled images: ``images/``, ``masks/`` (same stem, PNG) and ``index.csv``."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.errors import Invalid
from atisbo.imaging.transform import Pixels

Mask = NDArray[np.bool_]
"""(height, width), bool, True on the object."""


@dataclass(frozen=True)
class Sample:
    """One image of a folder, with its mask (``None``: known to be empty) and its row of index.csv."""

    folder: str
    image: Path
    mask: Path | None
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Folder and file name, unique among folders of different names."""
        return f"{self.folder}/{self.image.name}"


def read_folder(folder: Path, *, unlabelled: bool = False) -> list[Sample]:
    """The samples of a folder in the order of its index.csv, or by name where there is none.

    Args:
        unlabelled: the folder has no masks/ because an empty answer is right for all of its images.

    Raises:
        Invalid: no images, a row that names no file or one twice, or a mask that is missing.
    """
    images = folder / "images"
    if not images.is_dir():
        raise Invalid("data_no_images", "{folder} has no folder called images.", folder=folder)
    masks = folder / "masks"
    if not unlabelled and not masks.is_dir():
        raise Invalid(
            "data_no_masks",
            "{folder} has no folder called masks. If empty answers are right, say --unlabelled.",
            folder=folder,
        )
    rows = _rows(folder)
    samples = [
        Sample(folder.name, images / row["file"], None if unlabelled else masks / _mask_name(row["file"]), row)
        for row in rows
    ]
    for number, sample in enumerate(samples, start=2):
        _check(sample, folder, number)
    return samples


def read_folders(folders: Iterable[Path], *, unlabelled: bool = False) -> list[Sample]:
    """The samples of several folders, one after the other; see :func:`read_folder`."""
    return [sample for folder in folders for sample in read_folder(folder, unlabelled=unlabelled)]


def fits(sample: Sample, rules: Iterable[str]) -> bool:
    """Whether any ``column=value`` holds for the sample's row.

    Raises:
        Invalid: a rule is not of that form.
    """
    pairs = [rule.partition("=") for rule in rules]
    for column, sign, _ in pairs:
        if not column or not sign:
            raise Invalid("rule_wrong", "{rule} is not of the form column=value.", rule=column)
    return any(sample.columns.get(column) == value for column, _, value in pairs)


def select(samples: Iterable[Sample], rules: Sequence[str]) -> list[Sample]:
    """The samples that fit any of the rules; all of them where there is no rule."""
    return [sample for sample in samples if not rules or fits(sample, rules)]


def _mask_name(file: str) -> str:
    return Path(file).with_suffix(".png").name


def _rows(folder: Path) -> list[dict[str, str]]:
    index = folder / "index.csv"
    if not index.is_file():
        return [{"file": path.name} for path in sorted((folder / "images").iterdir()) if path.is_file()]
    with index.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        if "file" not in (table.fieldnames or ()):
            raise Invalid("data_no_file_column", "{index} has no column called file.", index=index)
        rows = list(table)
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        file = row["file"]
        if not file or None in row or None in row.values() or Path(file).name != file:
            raise Invalid("data_bad_row", "{index}, line {line}: not a row of this table.", index=index, line=number)
        if file in seen:
            raise Invalid(
                "data_twice", "{index}, line {line}: {file} is there twice.", index=index, line=number, file=file
            )
        seen.add(file)
    return rows


def _check(sample: Sample, folder: Path, line: int) -> None:
    for path in (sample.image, sample.mask):
        if path is not None and not path.is_file():
            raise Invalid(
                "data_missing_file",
                "{folder}: {file}, named in line {line} of the index, is missing.",
                folder=folder,
                file=path.relative_to(folder),
                line=line,
            )


def read_mask(sample: Sample, size: tuple[int, int]) -> Mask:
    """The sample's mask; all empty where it has none.

    Args:
        size: height and width of its image, pixels.

    Raises:
        Invalid: the file is no picture, or its size is not the image's.
    """
    if sample.mask is None:
        return np.zeros(size, np.bool_)
    grey = cv2.imdecode(np.fromfile(sample.mask, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Invalid("mask_unreadable", "{file} is not a readable mask.", file=sample.mask)
    if grey.shape != size:
        raise Invalid(
            "mask_size",
            "{file} is {mask}, but its image is {image} (height, width in pixels). Save it at that size.",
            file=sample.mask,
            mask=grey.shape,
            image=size,
        )
    return np.asarray(grey > 127)


def data_sha256(samples: Iterable[Sample]) -> str:
    """Hash over names and contents of images and masks, whatever their order."""
    digest = hashlib.sha256()
    for sample in sorted(samples, key=lambda item: item.name):
        for path in (sample.image, sample.mask):
            content = b"" if path is None else path.read_bytes()
            digest.update(f"{sample.name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def thumbnail(pixels: Pixels, side: int = 16) -> NDArray[np.float32]:
    """(side · side · 3) float32, centred and of length 1: the dot product of two is their correlation."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), dtype=np.float32)
