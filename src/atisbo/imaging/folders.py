"""Folders of labelled images.

The images lie in ``images/`` or directly in the folder, at will in one folder per class; masks of the same stem (PNG)
in ``masks/``, those of named structures in a folder of that name; what else is known of an image in ``index.csv``.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.errors import Invalid
from atisbo.imaging.transform import Pixels

Mask = NDArray[np.bool_]
"""(height, width), bool, True on the object."""

CLASS_COLUMNS = ("label", "class")
"""Columns of index.csv that may hold an image's class; the first one there counts."""
PICTURES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"))
"""What counts as a picture where other files may lie beside them."""


@dataclass(frozen=True)
class Sample:
    """One image of a folder, what is known to be on it, and its row of index.csv."""

    folder: str
    image: Path
    mask: Path | None
    """``None``: known to be empty, or not asked for."""
    columns: dict[str, str] = field(default_factory=dict)
    label: str | None = None
    """Its class."""
    structures: dict[str, Path] = field(default_factory=dict)
    """Structure → its mask."""

    @property
    def name(self) -> str:
        """Folder and file, unique among folders of different names."""
        return f"{self.folder}/{self.columns.get('file', self.image.name)}"


def read_folder(
    folder: Path, *, unlabelled: bool = False, classes: bool = False, structures: Sequence[str] = ()
) -> list[Sample]:
    """The samples of a folder in the order of its index.csv, or by name where there is none.

    Args:
        unlabelled: the folder has no masks/ because an empty answer is right for all of its images.
        classes: every image has a class (column ``label`` or ``class``, or the folder it lies in); masks/ is not read.
        structures: folders of masks that every image has one in, for example ``disc``.

    Raises:
        Invalid: no images, a row that names no file or one twice, or a class or mask that is missing.
    """
    root, masks = _root(folder), folder / "masks"
    no_mask = unlabelled or classes
    if not no_mask and not masks.is_dir():
        raise Invalid(
            "data_no_masks",
            "{folder} has no folder called masks. Put the mask of each image there, as PNG. Where empty answers are "
            "right, say so: evaluate and compare take --unlabelled, a recipe names the folder in [data.unlabelled].",
            folder=folder,
        )
    samples, listed = [], (folder / "index.csv").is_file()
    for line, row in enumerate(_rows(folder, root, structures), start=2):
        file = row["file"]
        sample = Sample(
            folder.name,
            root / file,
            None if no_mask else masks / _mask_name(file),
            row,
            _label(row),
            {name: folder / name / _mask_name(file) for name in structures},
        )
        _check(sample, folder, line if listed else None, classes=classes)
        samples.append(sample)
    return samples


def read_folders(
    folders: Iterable[Path], *, unlabelled: bool = False, classes: bool = False, structures: Sequence[str] = ()
) -> list[Sample]:
    """The samples of several folders, one after the other; see :func:`read_folder`."""
    return [
        sample
        for folder in folders
        for sample in read_folder(folder, unlabelled=unlabelled, classes=classes, structures=structures)
    ]


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


def _root(folder: Path) -> Path:
    """Where the images lie: the folder's images/, or itself where that is not there but images are.

    Raises:
        Invalid: there is no image.
    """
    images = folder / "images"
    if images.is_dir():
        return images
    if not folder.is_dir() or not (_pictures(folder, ("masks",)) or (folder / "index.csv").is_file()):
        raise Invalid("data_no_images", "{folder} has no folder called images, nor images in it.", folder=folder)
    return folder


def _pictures(root: Path, others: Sequence[str]) -> list[str]:
    """Pictures in a folder or, where it has none itself, in the folders in it; ``others`` hold no images."""
    for pattern in ("*", "*/*"):
        paths = (path for path in root.glob(pattern) if path.suffix.lower() in PICTURES and path.is_file())
        files = sorted(path.relative_to(root).as_posix() for path in paths)
        chosen = [file for file in files if not file.startswith((".", *(f"{name}/" for name in others)))]
        if chosen:
            return chosen
    return []


def _mask_name(file: str) -> str:
    return PurePosixPath(file).with_suffix(".png").name


def _label(row: dict[str, str]) -> str | None:
    """The class in the row, else the folder of its file."""
    named = (row[column] for column in CLASS_COLUMNS if row.get(column))
    return next(named, PurePosixPath(row["file"]).parent.name or None)


def _rows(folder: Path, root: Path, structures: Sequence[str]) -> list[dict[str, str]]:
    index = folder / "index.csv"
    if not index.is_file():
        return [{"file": file} for file in _pictures(root, ("masks", *structures))]
    with index.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        if "file" not in (table.fieldnames or ()):
            raise Invalid("data_no_file_column", "{index} has no column called file.", index=index)
        rows = list(table)
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        file = row["file"]
        if None in row or None in row.values() or not _within(file):
            raise Invalid("data_bad_row", "{index}, line {line}: not a row of this table.", index=index, line=number)
        if file in seen:
            raise Invalid(
                "data_twice", "{index}, line {line}: {file} is there twice.", index=index, line=number, file=file
            )
        seen.add(file)
    return rows


def _within(file: str) -> bool:
    """Whether this names a file in the folder of images, or in a folder in it."""
    path = PurePosixPath(file)
    return str(path) == file and 1 <= len(path.parts) <= 2 and not set(path.parts) & {"..", "/"}


def _check(sample: Sample, folder: Path, line: int | None, *, classes: bool) -> None:
    file = sample.columns["file"]
    for path in (sample.image, sample.mask, *sample.structures.values()):
        if path is not None and not path.is_file():
            raise Invalid(
                "data_missing_file",
                "{folder}: {file}, {why}, is missing.",
                folder=folder,
                file=path.relative_to(folder),
                why=f"which {file} needs" if line is None else f"named in line {line} of the index",
            )
    if classes and sample.label is None:
        raise Invalid(
            "data_no_class",
            "{folder}: {file}{line} has no class. Name it in a column called label of index.csv, "
            "or put the images of each class in a folder of its own.",
            folder=folder,
            file=file,
            line="" if line is None else f" (line {line} of the index)",
        )


def read_mask(sample: Sample, size: tuple[int, int], structure: str | None = None) -> Mask:
    """The sample's mask, or that of one of its structures; all empty where it has none.

    Args:
        size: height and width of its image, pixels.

    Raises:
        Invalid: the file is no picture, or its size is not the image's.
    """
    path = sample.mask if structure is None else sample.structures[structure]
    if path is None:
        return np.zeros(size, np.bool_)
    grey = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise Invalid("mask_unreadable", "{file} is not a readable mask.", file=path)
    if grey.shape != size:
        raise Invalid(
            "mask_size",
            "{file} is {mask}, but its image is {image} (height, width in pixels). Save it at that size.",
            file=path,
            mask=grey.shape,
            image=size,
        )
    return np.asarray(grey > 127)


def data_sha256(samples: Iterable[Sample]) -> str:
    """Hash over names and contents of images and masks, and over classes, whatever their order."""
    digest = hashlib.sha256()
    for sample in sorted(samples, key=lambda item: item.name):
        for path in (sample.image, sample.mask, *(sample.structures[name] for name in sorted(sample.structures))):
            content = b"" if path is None else path.read_bytes()
            digest.update(f"{sample.name}\0{hashlib.sha256(content).hexdigest()}\n".encode())
        if sample.label is not None:
            digest.update(f"{sample.name}\0{sample.label}\n".encode())
    return digest.hexdigest()


def thumbnail(pixels: Pixels, side: int = 16) -> NDArray[np.float32]:
    """(side · side · 3) float32, centred and of length 1: the dot product of two is their correlation."""
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), dtype=np.float32)
