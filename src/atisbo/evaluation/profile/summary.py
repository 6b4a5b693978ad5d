"""From records to a profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atisbo import __version__
from atisbo.domain.images import ACCEPTED_MEDIA_TYPES
from atisbo.evaluation.profile.duplicates import exact, near
from atisbo.evaluation.profile.layout import Index
from atisbo.evaluation.profile.masks import masks_of
from atisbo.evaluation.profile.records import REASONS, Record
from atisbo.evaluation.profile.schema import (
    Channel,
    Counts,
    Fault,
    IndexPart,
    Intensity,
    Profile,
    Sizes,
)
from atisbo.evaluation.profile.spread import spread
from atisbo.evaluation.profile.walk import Tree, shown

EDGES: Final = tuple(float(edge) for edge in range(0, 257, 8))
_COMMON: Final = 12
_NAMES: Final = dict(zip(ACCEPTED_MEDIA_TYPES, ("JPEG", "PNG", "WebP", "TIFF", "BMP"), strict=True))


@dataclass(frozen=True)
class Found:
    """All that was learnt of a folder."""

    folder: str
    tree: Tree
    index: Index
    records: Sequence[Record]
    """In order of their paths."""


def summarise(found: Found, details: NDArray[np.int8], *, bits: int, similarity: float) -> Profile:
    """The profile of a folder; ``details`` as in :func:`.near.near`."""
    images = [record for record in found.records if record.good and record.place.role == "image"]
    masks = [record for record in found.records if record.good and record.place.role == "mask"]
    columns = found.index.columns
    faults = _faults(found)
    return Profile(
        version=__version__,
        folder=shown(found.folder),
        counts=Counts(
            files=len(found.records),
            bytes=sum(record.size_bytes for record in found.records),
            images=len(images),
            masks=len(masks),
            bad=len(faults),
            other=len(found.tree.others),
        ),
        columns=columns,
        faults=faults,
        exact=exact(images, columns),
        near=near(images, columns, details, bits=bits, similarity=similarity),
        flat=tuple(shown(record.path) for record in images if record.flat),
        classes=tally(record.place.label for record in images),
        splits=tally(record.place.split for record in images),
        class_by_split=_by_split(images),
        groups={
            column: tally(record.place.groups[place] for record in images if record.place.groups)
            for place, column in enumerate(columns)
        },
        sizes=_sizes(images),
        formats=tally(_NAMES[record.media] for record in images),
        modes=tally(f"{record.mode}, {record.bits} bit{'s' * (record.bits > 1)}" for record in images),
        intensity_edges=EDGES,
        intensity=_intensities(images),
        masks=masks_of(found.records),
        index=_index(found, images),
    )


def tally(values: Iterable[str]) -> dict[str, int]:
    """How often each value occurs that is not empty: most often first, then by name."""
    counts = Counter(value for value in values if value)
    return {shown(value): n for value, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))}


def _faults(found: Found) -> tuple[Fault, ...]:
    said = {path: (code, REASONS[code]) for path, code in (found.tree.faults | found.index.faults).items()}
    said |= {record.path: (record.fault, record.reason) for record in found.records if record.fault}
    return tuple(Fault(path=shown(path), code=code, reason=why) for path, (code, why) in sorted(said.items()))


def _by_split(images: Sequence[Record]) -> dict[str, dict[str, int]]:
    """Class → split → images; only where there are both."""
    if not any(r.place.split for r in images) or not any(r.place.label for r in images):
        return {}
    return {
        label: tally(r.place.split or "none" for r in images if shown(r.place.label) == label)
        for label in tally(r.place.label for r in images)
    }


def _sizes(images: Sequence[Record]) -> Sizes:
    sizes = tally(f"{record.width} × {record.height}" for record in images)
    return Sizes(
        width=spread([record.width for record in images]),
        height=spread([record.height for record in images]),
        bytes=spread([record.size_bytes for record in images]),
        common=dict(list(sizes.items())[:_COMMON]),
        different=len(sizes),
    )


def _intensities(images: Sequence[Record]) -> tuple[Intensity, ...]:
    labels = tally(record.place.label for record in images)
    by_label: dict[str, list[tuple[float, float, float]]] = {"": [record.mean for record in images]}
    for record in images:
        if record.place.label and len(labels) > 1:
            by_label.setdefault(shown(record.place.label), []).append(record.mean)
    order = ["", *(label for label in labels if label in by_label)]
    return tuple(_intensity(label, np.array(by_label[label], np.float64)) for label in order if by_label[label])


def _intensity(label: str, means: NDArray[np.float64]) -> Intensity:
    red, green, blue = (
        Channel(
            counts=tuple(int(n) for n in np.histogram(values, EDGES)[0]),
            mean=round(float(values.mean()), 2),
            deviation=round(float(values.std()), 2),
        )
        for values in means.T
    )
    return Intensity(label=label, images=len(means), red=red, green=green, blue=blue)


def _index(found: Found, images: Sequence[Record]) -> IndexPart:
    rows: Mapping[str, object] = found.index.rows
    unnamed = [record.path for record in images if rows and record.path not in rows]

    def said(paths: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(map(shown, paths)))

    return IndexPart(
        rows=len(rows), missing=said(found.index.missing), twice=said(found.index.twice), not_listed=said(unnamed)
    )
