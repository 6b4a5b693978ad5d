"""A dataset as files: folders with a table, COCO, YOLO, or its masks; on disk, or as a ZIP made while it is sent."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from atisbo.domain.access import Actor
from atisbo.domain.annotations import YOLO_SIDES, Labelled, coco, yolo, yolo_yaml
from atisbo.domain.datasets import LEARNING, Plan, Split, Status, content_sha256
from atisbo.errors import Conflict, NotFound
from atisbo.services import audit, datasets
from atisbo.services.packing import packed
from atisbo.services.work import Workplace
from atisbo.store import blobs as names
from atisbo.store.blobs import Blobs
from atisbo.store.datasets import DatasetItemRecord, DatasetRecord

MANIFEST: Final = "dataset.json"
"""Stands beside every export, and says that the images have their sides already."""


class Format(StrEnum):
    FOLDERS = "folders"
    """images/, masks/ or one folder for each structure, and index.csv: what ``atisbo train`` reads."""
    COCO = "coco"
    YOLO = "yolo"
    """Polygons; where the task is classes, a folder for each."""
    YOLO_BOXES = "yolo-boxes"
    MASKS = "masks"


@dataclass(frozen=True)
class Bundle:
    """What is to be written, read in one transaction; the bytes come later, one picture at a time."""

    about: dict[str, Any]
    plan: Plan
    sides: tuple[Split, ...]
    items: list[DatasetItemRecord]

    @property
    def sha256(self) -> str:
        return content_sha256(str(item.sha256) for item in self.items)


def stream(
    workplace: Workplace,
    session: Session,
    actor: Actor | None,
    *,
    dataset_id: UUID,
    form: Format,
    sealed: bool = False,
) -> Iterator[bytes]:
    """A ZIP, in pieces; without the sealed part, unless somebody who may open it asks for it. Both are noted.

    Raises:
        NotFound: no such dataset for this actor.
        NotAllowed: the sealed part, without the right to open it.
        Conflict: it is not ready, or has nothing of this kind.
    """
    bundle = _ask(session, actor, dataset_id, form, sealed=sealed)
    return packed(files(workplace.blobs, bundle, form))


def unfold(
    workplace: Workplace, actor: Actor | None, *, dataset_id: UUID, form: Format, folder: Path, sealed: bool = False
) -> int:
    """The same as files in a folder; returns how many images.

    Raises: see :func:`stream`.
    """
    bundle = workplace.within(lambda session: _ask(session, actor, dataset_id, form, sealed=sealed))
    _lay(files(workplace.blobs, bundle, form), folder)
    return len(bundle.items)


def _ask(session: Session, actor: Actor | None, dataset_id: UUID, form: Format, *, sealed: bool) -> Bundle:
    record = datasets.find(session, actor, dataset_id)
    if sealed:
        datasets.unseal(session, actor, record, reason=f"exported as {form.value}")
    bundle = _collect(session, record, tuple(Split) if sealed else LEARNING)
    if form in (Format.YOLO_BOXES, Format.MASKS) and not any(item.masks for item in bundle.items):
        raise Conflict("dataset_no_outlines", "Nothing is outlined in this dataset. Choose another format.")
    sides = [side.value for side in bundle.sides]
    audit.note(session, actor, "dataset.exported", f"dataset:{record.id}", format=form.value, sides=sides)
    return bundle


def write(
    session: Session, *, blobs: Blobs, dataset_id: UUID, folder: Path, sides: Sequence[str], reason: str = ""
) -> str:
    """For workers and commands: write a data folder as ``atisbo train`` reads it.

    That the sealed side was opened is written down, whoever asks; no page and no request comes here.

    Args:
        reason: what the sealed side is opened for.

    Returns:
        SHA-256 over what was written.

    Raises:
        NotFound: there is no such dataset.
        Conflict: it is not ready.
    """
    record = session.get(DatasetRecord, dataset_id)
    if record is None:
        raise NotFound("dataset_unknown", "There is no such dataset.")
    bundle = _collect(session, record, tuple(Split(side) for side in sides))
    if Split.TEST in bundle.sides:
        datasets.unseal(session, None, record, reason=reason or "evaluated")
    _lay(files(blobs, bundle, Format.FOLDERS), folder)
    return bundle.sha256


def _lay(entries: Iterator[tuple[str, bytes]], folder: Path) -> None:
    for name, data in entries:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _collect(session: Session, record: DatasetRecord, sides: tuple[Split, ...]) -> Bundle:
    if record.status != Status.READY.value:
        raise Conflict("dataset_unready", "This dataset is not ready.")
    query = (
        select(DatasetItemRecord)
        .options(defer(DatasetItemRecord.likeness))
        .where(
            DatasetItemRecord.dataset_id == record.id,
            DatasetItemRecord.split.in_([side.value for side in sides]),
            DatasetItemRecord.picture.is_not(None),
        )
    )
    items = list(session.scalars(query.order_by(DatasetItemRecord.number)))
    for item in items:
        session.expunge(item)
    about = {
        "id": str(record.id),
        "name": record.name,
        "application": record.application,
        "sha256": record.sha256,
        "created_at": record.created_at.isoformat(),
        "sides": [side.value for side in sides],
        "notice": "Research and education only. Not a medical device.",
    }
    return Bundle(about, Plan.model_validate(record.plan), sides, items)


def files(blobs: Blobs, bundle: Bundle, form: Format) -> Iterator[tuple[str, bytes]]:
    """Names and contents. What was taken back while it is sent is left out, of tables as well."""
    written: list[tuple[DatasetItemRecord, Labelled]] = []
    for item in bundle.items:
        found = _read(blobs, item, bundle.plan)
        if found is None:
            continue
        data, labelled = found
        written.append((item, labelled))
        if form is not Format.MASKS:
            yield _place(labelled, bundle.plan, form), data
        yield from _beside(blobs, item, labelled, bundle.plan, form)
    yield from _tables(bundle, written, form)
    manifest = bundle.about | {
        "plan": bundle.plan.model_dump(mode="json"),
        "items": [_manifest(item, labelled) for item, labelled in written],
    }
    yield MANIFEST, _json(manifest)


def _read(blobs: Blobs, item: DatasetItemRecord, plan: Plan) -> tuple[bytes, Labelled] | None:
    data = blobs.get(names.picture(str(item.picture)))
    regions = {label: blobs.get(names.outlines(name)) for label, name in (item.masks or {}).items()}
    if data is None or None in regions.values():
        return None
    outlined = {label: json.loads(regions[label] or b"") for label in plan.outlines if label in regions}
    file = f"{item.number:05d}.{item.ending}"
    return data, Labelled(file, item.width, item.height, Split(str(item.split)), item.label, outlined)


def _place(image: Labelled, plan: Plan, form: Format) -> str:
    if form in (Format.YOLO, Format.YOLO_BOXES):
        side = YOLO_SIDES[image.split]
        classes = plan.task == "classification" and form is Format.YOLO
        return f"{side}/{image.label}/{image.file}" if classes else f"images/{side}/{image.file}"
    return f"images/{image.file}"


def _beside(
    blobs: Blobs, item: DatasetItemRecord, image: Labelled, plan: Plan, form: Format
) -> Iterator[tuple[str, bytes]]:
    """What lies in a file of its own for each image: masks, or YOLO's lines."""
    stem = image.file.partition(".")[0]
    if form in (Format.FOLDERS, Format.MASKS):
        for label, name in (item.masks or {}).items():
            single = plan.task == "segmentation" and len(plan.outlines) == 1
            mask = blobs.get(names.mask(name))
            if mask is not None:
                yield f"{'masks' if single else label}/{stem}.png", mask
    elif form in (Format.YOLO, Format.YOLO_BOXES) and item.masks:
        lines = yolo(image, plan.outlines, boxes=form is Format.YOLO_BOXES)
        yield f"labels/{YOLO_SIDES[image.split]}/{stem}.txt", lines.encode()


def _tables(
    bundle: Bundle, written: Sequence[tuple[DatasetItemRecord, Labelled]], form: Format
) -> Iterator[tuple[str, bytes]]:
    plan, images = bundle.plan, [labelled for _, labelled in written]
    if form in (Format.FOLDERS, Format.MASKS):
        yield "index.csv", _index(plan, written)
    elif form is Format.COCO:
        info = {"description": bundle.about["name"], "version": bundle.about["sha256"]}
        for side in bundle.sides:
            own = [image for image in images if image.split is side]
            yield f"annotations/{side.value}.json", _json(coco(own, plan.classes, plan.outlines, info))
    elif plan.outlines:
        yield "data.yaml", yolo_yaml(plan.outlines, bundle.sides).encode()


def _index(plan: Plan, written: Sequence[tuple[DatasetItemRecord, Labelled]]) -> bytes:
    classes = ["label"] if plan.task == "classification" else []
    columns = ["file", *classes, "split", "group", "owner", "reviewer", "verdict", "version", *plan.columns]
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(columns)), extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for item, image in written:
        own = {"file": image.file, "label": item.label, "split": item.split, "group": item.group_name}
        table.writerow((item.facts or {}) | own | {"owner": item.owner})
    return text.getvalue().encode()


def _manifest(item: DatasetItemRecord, image: Labelled) -> dict[str, Any]:
    """All that the item's hash is over, so that anybody can work it out again."""
    return {
        "file": image.file,
        "sha256": item.sha256,
        "picture": item.picture,
        "width": item.width,
        "height": item.height,
        "label": item.label,
        "masks": item.masks,
        "split": item.split,
        "nonce": item.nonce,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
