"""What the API takes and says."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from atisbo.services.answers import FailureShape, PairOfShape, PredictionShape, shape

__all__ = ["Body", "FailureShape", "PairOfShape", "PredictionPage", "PredictionShape", "shape"]


class Body(BaseModel):
    """What a caller sends as JSON: nothing beside the fields that are named."""

    model_config = ConfigDict(extra="forbid")


class PredictionPage(BaseModel):
    items: list[PredictionShape]
    next: str | None
