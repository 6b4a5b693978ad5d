"""Labelled images as others write them: COCO's JSON, YOLO's lines, folders; for those who bring data.

Only text is read here. Pictures are opened where strangers' pictures always are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Final

import cv2
import numpy as np

from atisbo.domain.annotations import YOLO_SIDES
from atisbo.errors import Invalid
from atisbo.imaging import outlines
from atisbo.imaging.folders import PICTURES, Mask, read_folder, read_mask

Size = tuple[int, int]
_SIDES: Final = {word: side.value for side, word in YOLO_SIDES.items()} | {side: side.value for side in YOLO_SIDES}
_WHOLE: Final = 1e-3
"""Pixels by which a corner may miss a whole number through rounding."""


@dataclass(frozen=True)
class Brought:
    """A picture and what its data set says of it."""

    path: Path
    label: str | None = None
    split: str | None = None
    """``training``, ``validation`` or ``test``."""
    outlined: Mapping[str, Callable[[Size], Mask]] = field(default_factory=dict)
    """Outline → what makes its mask for a picture of that height and width in pixels."""


def read(folder: Path, classes: Sequence[str], labels: Sequence[str]) -> list[Brought]:
    """What lies in a folder, whichever of the three ways it was written.

    Args:
        classes: of the application; empty for one that only outlines.
        labels: outlines of the application.

    Raises:
        Invalid: nothing is there, or it says something that cannot be.
    """
    if (folder / "annotations").is_dir():
        found = [one for path in sorted((folder / "annotations").glob("*.json")) for one in _coco(folder, path)]
    elif any((folder / word).is_dir() for word in YOLO_SIDES.values()) or (folder / "data.yaml").is_file():
        found = list(_yolo(folder, labels))
    else:
        found = _folders(folder, classes, labels)
    if not found:
        raise Invalid("data_empty_folder", "There is no labelled image in {folder}.", folder=folder)
    return found


def _folders(folder: Path, classes: Sequence[str], labels: Sequence[str]) -> list[Brought]:
    structures = [name for name in labels if (folder / name).is_dir()] if classes or len(labels) > 1 else []
    samples = read_folder(folder, classes=bool(classes), structures=structures, unlabelled=len(labels) > 1)

    def made(one: Any, name: str) -> Callable[[Size], Mask]:
        return lambda size: read_mask(one, size, name if structures else None)

    names = structures if classes else labels
    return [
        Brought(
            one.image,
            one.label if classes else None,
            _SIDES.get(one.columns.get("split", "")),
            {name: made(one, name) for name in names},
        )
        for one in samples
    ]


def _coco(folder: Path, path: Path) -> Iterator[Brought]:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        kinds = {one["id"]: (one.get("supercategory"), str(one["name"])) for one in said["categories"]}
        of: dict[int, list[dict[str, Any]]] = {}
        for one in said["annotations"]:
            of.setdefault(one["image_id"], []).append(one)
        for image in said["images"]:
            yield _coco_image(folder, image, of.get(image["id"], []), kinds, _SIDES.get(path.stem))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid("coco_wrong", "{path} is not COCO's JSON: {fault}.", path=path, fault=repr(error)) from error


def _coco_image(
    folder: Path,
    image: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    kinds: Mapping[int, tuple[str | None, str]],
    split: str | None,
) -> Brought:
    label: str | None = None
    parts: dict[str, list[Any]] = {name: [] for kind, name in kinds.values() if kind != "class"}
    for one in annotations:
        kind, name = kinds[one["category_id"]]
        if kind == "class":
            label = name
        else:
            parts[name].append(one["segmentation"])
    outlined = {name: _union(found) for name, found in parts.items()}
    return Brought(_inside(folder, "images", str(image["file_name"])), label, split, outlined)


def _union(segmentations: Sequence[Any]) -> Callable[[Size], Mask]:
    def made(size: Size) -> Mask:
        mask = np.zeros(size, np.bool_)
        for one in segmentations:
            if isinstance(one, dict):
                mask |= outlines.unpacked(one["counts"], size)
            else:
                mask |= outlines.filled([_pairs(ring) for ring in one], size)
        return mask

    return made


def _yolo(folder: Path, labels: Sequence[str]) -> Iterator[Brought]:
    for word in YOLO_SIDES.values():
        for root, classed in ((folder / "images" / word, False), (folder / word, True)):
            paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in PICTURES and path.is_file())
            for path in paths:
                lines = folder / "labels" / word / f"{path.stem}.txt"
                label = path.parent.name if classed else None
                outlined = _lines(lines, labels) if lines.is_file() else {}
                yield Brought(path, label, _SIDES[word], outlined)


def _lines(path: Path, labels: Sequence[str]) -> dict[str, Callable[[Size], Mask]]:
    rings: dict[str, list[list[float]]] = {name: [] for name in labels}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            kind, *values = line.split()
            shares = [float(value) for value in values]
            if len(shares) == 4:
                raise Invalid(
                    "yolo_boxes", "{path} holds boxes. Outlines are needed to bring images in.", path=path.name
                )
            if len(shares) < 6 or len(shares) % 2:
                raise ValueError("no polygon")
            rings[labels[int(kind)]].append(shares)
        except (ValueError, IndexError) as error:
            raise Invalid(
                "yolo_wrong", "{path}, line {number}: not a polygon of YOLO.", path=path.name, number=number
            ) from error
    return {name: _shares(found) for name, found in rings.items()}


def _shares(rings: Sequence[Sequence[float]]) -> Callable[[Size], Mask]:
    def made(size: Size) -> Mask:
        mask = np.zeros(size, np.bool_)
        for ring in rings:
            mask |= outlines.filled([_pairs([value * size[1 - at % 2] for at, value in enumerate(ring)])], size)
        return mask

    return made


def _pairs(flat: Sequence[float]) -> list[tuple[float, float]]:
    """Corners, at whole pixels where rounding alone moved them off."""
    whole = [round(value) if abs(value - round(value)) < _WHOLE else value for value in flat]
    return list(zip(whole[::2], whole[1::2], strict=True))


def _inside(folder: Path, root: str, file: str) -> Path:
    """Raises Invalid for a name that leads out of the folder, or to nothing."""
    parts = PurePosixPath(file)
    path = folder / root / parts
    if parts.is_absolute() or ".." in parts.parts or not path.is_file():
        raise Invalid("data_no_file", "{file} is not in {folder}.", file=file, folder=root)
    return path


def mask_png(layers: Sequence[Mask]) -> bytes:
    """A person's mask as it is sent with a review: a bit for each label."""
    bits = np.zeros(layers[0].shape, np.uint8)
    for number, layer in enumerate(layers):
        bits |= layer.astype(np.uint8) << number
    written, data = cv2.imencode(".png", bits)
    if not written:
        raise ValueError("could not write the mask")
    return data.tobytes()
