"""The map of an application's pictures."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from atisbo.services import maps
from atisbo.services.maps import MapView
from atisbo.web.deps import AppState, CurrentActor, Db

router = APIRouter(tags=["applications"])


class PointsShape(BaseModel):
    """Columns, one entry for each picture."""

    id: list[UUID]
    """Of the item of the collection, or of the prediction."""
    source: list[Literal["collection", "mine", "shared"]]
    name: list[str]
    label: list[str | None]
    """What it is taken for: by the collection, by a review, else by the network."""
    answer: list[str | None]
    """What the network took it for."""
    reviewed: list[bool]
    kin: list[str | None]
    """What most of its nearest are taken for."""
    pca: list[list[float]]
    """Three principal components."""
    umap: list[list[float]]
    """UMAP in three dimensions."""
    flat: list[list[float]]
    """UMAP in two."""


class MapShape(BaseModel):
    version: str | None
    computed_at: datetime | None
    count: int
    """Pictures that it was computed from, those included that you may not see."""
    waiting: int
    """Pictures that came or went since."""
    computing: bool
    explained: list[float]
    """The share of the variance that each principal component has."""
    points: PointsShape


@router.get("/applications/{application}/map")
def get(application: str, db: Db, state: AppState, actor: CurrentActor) -> MapShape:
    """Embeddings of the collection and of the pictures that you may see, in two and three dimensions.

    It is computed in the background; where it is out of date a new one has been asked for (`computing`).
    """
    asked, _ = state.application(application)
    return _shape(maps.get(db, actor, application=asked.name))


def _shape(view: MapView) -> MapShape:
    points = view.points
    return MapShape(
        version=view.version,
        computed_at=view.computed_at,
        count=view.count,
        waiting=view.waiting,
        computing=view.computing,
        explained=list(view.explained),
        points=PointsShape(
            id=[p.subject_id for p in points],
            source=[p.source for p in points],
            name=[p.name for p in points],
            label=[p.label for p in points],
            answer=[p.answer for p in points],
            reviewed=[p.reviewed for p in points],
            kin=[p.kin for p in points],
            pca=[list(p.pca) for p in points],
            umap=[list(p.umap) for p in points],
            flat=[list(p.flat) for p in points],
        ),
    )
