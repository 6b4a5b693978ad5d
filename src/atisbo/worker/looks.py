"""How a picture looks to a network, as numbers that a database keeps."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.images import Limits, Region
from atisbo.imaging.quarantine import Quarantine
from atisbo.inference.registry import Predictor
from atisbo.store.embeddings import Look
from atisbo.store.vectors import Vector


@dataclass(frozen=True)
class Eyes:
    """What it takes to look at a picture."""

    quarantine: Quarantine
    predictor: Predictor
    limits: Limits


def plain(values: NDArray[np.float32] | None) -> Vector | None:
    """The same numbers; None for nothing but zeros too, which are like nothing."""
    return tuple(values.tolist()) if values is not None and np.any(values) else None


def look(subject_id: UUID, data: bytes, region: Region | None, eyes: Eyes) -> Look:
    """Open the bytes in quarantine and have the network look; what kind of picture it is does not matter here.

    Raises:
        BadImage, Invalid: see ``Quarantine.prepare`` and ``Predictor.embed``.
        Unavailable: too much waits.
    """
    spec = eyes.predictor.card.input
    prepared = eyes.quarantine.prepare(data, region, spec, eyes.limits, looks=True).result()
    embedding = eyes.predictor.embed(prepared)
    return Look(subject_id, plain(embedding), plain(prepared.palette), plain(prepared.grain), prepared.tone)
