"""Images of an application to take along: a ZIP with a table, made while it is sent."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.gallery import Wanted
from atisbo.services import audit, gallery, predictions
from atisbo.services.mine import ending
from atisbo.services.packing import packed
from atisbo.services.work import Workplace
from atisbo.store.blobs import answered, original
from atisbo.store.predictions import PredictionRecord
from atisbo.store.readings import told
from atisbo.store.reviews import ReviewRecord

MOST: Final = 10_000
"""Images at once."""
_PAGE: Final = 50
_COLUMNS: Final = (
    "file",
    "mask",
    "name",
    "prediction",
    "image",
    "owner",
    "created",
    "application",
    "version",
    "status",
    "answer",
    "probability",
    "uncertainty",
    "width",
    "height",
    "may_be_learnt_from",
    "verdicts",
    "labels",
)


def archive(
    workplace: Workplace, actor: Actor, *, wanted: Wanted, chosen: Sequence[UUID] = (), said: dict[str, str]
) -> Iterator[bytes]:
    """``images/``, ``masks/`` and ``images.csv`` of all that match, of ``chosen`` alone if any are.

    No transaction stays open while it is sent: what is deleted meanwhile is left out.

    Args:
        said: what was looked for, for the audit log.

    Raises:
        NotAllowed: the actor may see only what is their own.
        TooLarge: more than ``MOST`` match.
    """

    def begin(session: Session) -> list[UUID]:
        ids = gallery.find(session, actor, wanted=wanted, chosen=chosen, most=MOST)
        audit.note(session, actor, "images.exported", f"application:{wanted.application}", count=len(ids), wanted=said)
        return ids

    return packed(_entries(workplace, workplace.within(begin)))


def _entries(workplace: Workplace, ids: Sequence[UUID]) -> Iterator[tuple[str, bytes]]:
    table = io.StringIO()
    writer = csv.DictWriter(table, _COLUMNS)
    writer.writeheader()
    for start in range(0, len(ids), _PAGE):
        some = ids[start : start + _PAGE]
        for row, sha256, outlined in workplace.within(lambda session, some=some: _rows(session, some)):  # type: ignore[misc]
            picture = workplace.blobs.get(original(sha256))
            if picture is None:
                continue
            row["file"] = f"images/{row['prediction']}{ending(row['name'])}"
            yield row["file"], picture
            mask = workplace.blobs.get(outlined)
            if mask is not None:
                row["mask"] = f"masks/{row['prediction']}.png"
                yield row["mask"], mask
            writer.writerow({name: _safe(value) for name, value in row.items()})
    yield "images.csv", table.getvalue().encode("utf-8-sig")


def _rows(session: Session, ids: Sequence[UUID]) -> list[tuple[dict[str, Any], str, str]]:
    """Of each answer its row, and the names of the picture and of the mask."""
    records = session.scalars(select(PredictionRecord).where(PredictionRecord.id.in_(ids)))
    said: dict[UUID, list[ReviewRecord]] = {}
    reviews = select(ReviewRecord).where(
        ReviewRecord.prediction_id.in_(ids), ReviewRecord.superseded_at.is_(None), told()
    )
    for review in session.scalars(reviews.order_by(ReviewRecord.created_at)):
        said.setdefault(review.prediction_id, []).append(review)
    by_id = {record.id: record for record in records}
    found = [by_id[one] for one in ids if one in by_id]
    return [(_row(one, said.get(one.id, [])), one.image.sha256, answered(one.id, one.attempt)) for one in found]


def _row(record: PredictionRecord, reviews: Sequence[ReviewRecord]) -> dict[str, Any]:
    image = record.image
    return {
        "name": image.file_name,
        "prediction": record.id,
        "image": image.id,
        "owner": record.owner_id,
        "created": record.created_at.isoformat(timespec="seconds"),
        "application": record.application,
        "version": record.version,
        "status": record.status,
        "answer": record.answer,
        "probability": (record.findings or {}).get("probability"),
        "uncertainty": record.doubt,
        "width": image.width,
        "height": image.height,
        "may_be_learnt_from": "yes" if predictions.consented(record) else "no",
        "verdicts": " ".join(review.verdict for review in reviews),
        "labels": " ".join(review.label for review in reviews if review.label),
    }


def _safe(value: Any) -> Any:
    """No text that a spreadsheet would take for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
