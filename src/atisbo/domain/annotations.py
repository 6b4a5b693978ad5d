"""Labels of images as others read them: COCO's JSON and YOLO's lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from atisbo.domain.datasets import Split

YOLO_SIDES: Final = {Split.TRAINING: "train", Split.VALIDATION: "val", Split.TEST: "test"}


@dataclass(frozen=True)
class Labelled:
    """A picture of a dataset and what is known of it."""

    file: str
    width: int
    height: int
    split: Split
    label: str | None = None
    regions: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Outline → its regions: see ``imaging.outlines.regions``."""


def coco(images: Sequence[Labelled], classes: Sequence[str], outlines: Sequence[str], info: Mapping[str, Any]) -> Any:
    """COCO's object-detection JSON; a class is a region as large as the picture, of supercategory ``class``.

    Outlines are packed run lengths, which keep every pixel; ``pycocotools`` reads them.
    """
    kinds = [("class", name) for name in classes] + [("outline", name) for name in outlines]
    numbers = {kind: number for number, kind in enumerate(kinds, start=1)}
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, start=1):
        for one in _annotations(image, numbers):
            annotations.append({"id": len(annotations) + 1, "image_id": number, "iscrowd": 0} | one)
    return {
        "info": dict(info),
        "images": [
            {"id": number, "file_name": image.file, "width": image.width, "height": image.height}
            for number, image in enumerate(images, start=1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name, "supercategory": kind} for (kind, name), number in numbers.items()],
    }


def _annotations(image: Labelled, numbers: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    width, height = image.width, image.height
    found: list[dict[str, Any]] = []
    if image.label is not None:
        found.append(
            {
                "category_id": numbers["class", image.label],
                "bbox": [0, 0, width, height],
                "area": width * height,
                "segmentation": [[0, 0, width, 0, width, height, 0, height]],
            }
        )
    for name, regions in image.regions.items():
        found += [
            {
                "category_id": numbers["outline", name],
                "bbox": region["bbox"],
                "area": region["area"],
                "segmentation": {"size": [height, width], "counts": region["counts"]},
            }
            for region in regions
        ]
    return found


def yolo(image: Labelled, outlines: Sequence[str], *, boxes: bool) -> str:
    """One line for each region: the number of its label, then its polygon, or its box by middle and size, as shares."""
    lines = []
    for number, name in enumerate(outlines):
        for region in image.regions.get(name, ()):
            values = _box(region["bbox"]) if boxes else region["polygon"]
            sizes = (image.width, image.height)
            shares = (f"{value / sizes[at % 2]:.9f}".rstrip("0").rstrip(".") for at, value in enumerate(values))
            lines.append(f"{number} {' '.join(shares)}\n")
    return "".join(lines)


def _box(bbox: Sequence[float]) -> list[float]:
    x, y, width, height = bbox
    return [x + width / 2, y + height / 2, width, height]


def yolo_yaml(names: Sequence[str], sides: Sequence[Split]) -> str:
    """The file that says where images lie and what the numbers mean."""
    keys = [f"{YOLO_SIDES[side]}: images/{YOLO_SIDES[side]}\n" for side in sides]
    return "".join(["path: .\n", *keys, "names:\n", *(f"  {number}: {name}\n" for number, name in enumerate(names))])
