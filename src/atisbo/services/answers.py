"""An answer as JSON: as the API gives it and as a webhook brings it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from atisbo.domain.images import Region
from atisbo.domain.predictions import NOTICE, Status
from atisbo.i18n import translate
from atisbo.services.predictions import PredictionView


class ImageShape(BaseModel):
    id: UUID
    file_name: str
    width: int | None
    """Pixels of the upright original; known once it has been opened."""
    height: int | None
    training_consent: bool
    """Whether it may be learnt from."""
    shared: bool
    """Whether others may find it as a similar picture."""


class FailureShape(BaseModel):
    code: str
    status: int
    detail: str
    """What was wrong and what to do, in the reader's language."""


class QueueShape(BaseModel):
    position: int
    """1 is next."""
    expected_s: int | None
    """Seconds until the answer, from how quickly the last ones came; null where nobody can tell."""


class PairOfShape(BaseModel):
    id: UUID
    side: str


class PredictionShape(BaseModel):
    id: UUID
    application: str
    status: Status
    created_at: datetime
    finished_at: datetime | None
    version: str | None
    image: ImageShape
    region: Region | None
    pair: PairOfShape | None
    """The two pictures that it is one of, if it is."""
    findings: dict[str, Any] | None
    """With the status `done` or `unsure`; `uncertainty` (0 certain, 1 could be either) and `unsure` say how far to
    trust it. A classification may bring `structures`, outlined like a segmentation, and `ratios` of them."""
    failure: FailureShape | None
    """With the status `failed`, or `refused`, where its code is `foreign`: the picture is of another kind."""
    queue: QueueShape | None
    links: dict[str, str]
    notice: str


def shape(view: PredictionView, language: str) -> PredictionShape:
    failure = view.failure
    return PredictionShape(
        id=view.id,
        application=view.application,
        status=view.status,
        created_at=view.created_at,
        finished_at=view.finished_at,
        version=view.version,
        image=ImageShape(**vars(view.image)),
        region=view.region,
        pair=view.half and PairOfShape(id=view.half.pair_id, side=view.half.side),
        findings=view.findings,
        failure=failure
        and FailureShape(
            code=failure.code,
            status=failure.status,
            detail=translate(language, failure.message, **failure.values_in(language)),
        ),
        queue=view.place and QueueShape(**vars(view.place)),
        links=_links(view),
        notice=translate(language, NOTICE),
    )


def _links(view: PredictionView) -> dict[str, str]:
    base = f"/api/v1/predictions/{view.id}"
    links = {"self": base, "events": f"{base}/events", "image": f"/api/v1/images/{view.image.id}"}
    if view.half is not None:
        links["pair"] = f"/api/v1/applications/{view.application}/pairs/{view.half.pair_id}"
    if view.outlined:
        links |= {
            "mask": f"{base}/mask.png",
            "overlay": f"{base}/overlay.png",
            "contours": f"{base}/contours",
        }
    if view.version is not None:
        links["card"] = f"/api/v1/applications/{view.application}/versions/{view.version}/card"
    if view.findings is not None:
        links["report"] = f"{base}/report.pdf"
    if view.explainable:
        links["heatmap"] = f"{base}/heatmap.png"
    if view.status is not Status.FAILED:
        links |= {"preview": f"{base}/preview.jpg", "thumbnail": f"{base}/thumbnail.jpg"}
        if view.region is not None:
            links["crop"] = f"{base}/crop.png"
    return links
