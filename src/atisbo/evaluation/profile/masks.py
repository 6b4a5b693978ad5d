"""What is wrong with masks, and how large their objects are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from atisbo.evaluation.profile.records import Record
from atisbo.evaluation.profile.schema import Masks, Mismatch
from atisbo.evaluation.profile.spread import spread
from atisbo.evaluation.profile.walk import shown

AREA_EDGES: Final = tuple(n / 40 for n in range(41))
_FULL: Final = 0.999


def masks_of(records: Sequence[Record]) -> tuple[Masks, ...]:
    """One part for each folder of masks, by its name."""
    folders = sorted({record.place.kind for record in records if record.place.role == "mask"})
    return tuple(_folder(folder, records) for folder in folders)


def _folder(folder: str, records: Sequence[Record]) -> Masks:
    mine = [record for record in records if record.place.kind == folder and record.place.role == "mask"]
    roots = {record.place.root for record in mine}
    images = {r.place.key: r for r in records if r.place.role == "image" and r.place.root in roots}
    keys = {record.place.key for record in mine}
    good = [(record, record.mask) for record in mine if record.good and record.mask]
    areas = [mask.area for _, mask in good if mask.area > 0]
    return Masks(
        folder=shown(folder),
        masks=len(good),
        empty=tuple(shown(record.path) for record, mask in good if not mask.brightest),
        full=tuple(shown(record.path) for record, mask in good if mask.area > _FULL),
        faint=tuple(shown(record.path) for record, mask in good if mask.brightest and not mask.area),
        not_binary=tuple(shown(record.path) for record, mask in good if mask.levels > 2),
        mismatched=tuple(
            Mismatch(
                image=shown(image.path),
                mask=shown(record.path),
                image_size=(image.width, image.height),
                mask_size=(record.width, record.height),
            )
            for record, _ in good
            if (image := images.get(record.place.key)) is not None
            and image.good
            and (image.width, image.height) != (record.width, record.height)
        ),
        without_image=tuple(shown(record.path) for record in mine if record.place.key not in images),
        images_without=tuple(shown(image.path) for key, image in sorted(images.items()) if key not in keys),
        area=spread(areas),
        area_counts=tuple(int(n) for n in np.histogram(areas, AREA_EDGES)[0]),
    )
