"""The outlines of what was found, as polygons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from atisbo.domain.access import Actor
from atisbo.domain.findings import outlines_in
from atisbo.errors import NotFound
from atisbo.services.predictions import find
from atisbo.store.blobs import answered
from atisbo.store.predictions import PredictionRecord


def get(session: Session, actor: Actor, *, prediction_id: UUID) -> dict[str, Any]:
    """A GeoJSON-like FeatureCollection (RFC 7946 in shape; coordinates are pixels of the original, y down).

    Raises:
        NotFound: no such prediction for this actor, or its answer has none.
    """
    findings = outlines_in(find(session, actor, prediction_id).findings)
    if findings is None:
        raise NotFound("outlines_unknown", "There are no outlines for this prediction.")
    return {
        "type": "FeatureCollection",
        "width": findings["width"],
        "height": findings["height"],
        "features": [
            _feature(index, region, rings)
            for index, region in enumerate(findings["regions"])
            for rings in region["contour"]
        ],
    }


def _feature(index: int, region: dict[str, Any], rings: list[list[list[int]]]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"region": index, **{key: region[key] for key in ("label", "probability", "area_percent")}},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }


def drawn(session: Session, *, prediction_id: UUID, layers: Sequence[str]) -> tuple[str | None, list[list[Any]]]:
    """For workers: the name of the network's mask, and the polygons of each layer, in the order of ``layers``."""
    record = session.get(PredictionRecord, prediction_id)
    name = answered(record.id, record.attempt) if record else None
    findings = outlines_in(record.findings) if record else None
    regions = findings["regions"] if findings else []
    return name, [[rings for one in regions if one["label"] == layer for rings in one["contour"]] for layer in layers]
