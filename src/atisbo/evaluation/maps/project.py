"""All that is computed of a set of embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from atisbo.evaluation.maps.neighbours import Floats, Ints, majority, nearest, unit
from atisbo.evaluation.maps.umap import NEIGHBOURS, umap

_FEW: Final = 8
"""With fewer pictures there is no neighbourhood to keep: both maps are the principal components."""
_KIN: Final = 10
"""Neighbours that say what a picture lies among, half of all at most."""
_REACH: Final = 98
"""Percentile of the distances from the middle that lies at 1."""


@dataclass(frozen=True)
class Projection:
    """Coordinates, centred, most within 1 of the middle."""

    pca: Floats
    """(n, 3)."""
    explained: Floats
    """(3,): the share of the whole variance that each component has."""
    umap: Floats
    """(n, 3)."""
    flat: Floats
    """(n, 2): UMAP computed for two dimensions."""
    kin: Ints
    """(n,): the label that most of the nearest carry, -1 for none."""


def project(vectors: Floats, labels: Ints, *, epochs: int = 240) -> Projection:
    """Map a set of embeddings.

    Args:
        vectors: (n, d), float32.
        labels: (n,), -1 where there is none.
        epochs: of UMAP.
    """
    directions = unit(vectors)
    first, explained = _components(directions)
    if len(vectors) < _FEW:
        kin = np.full(len(vectors), -1, np.int64)
        return Projection(_fit(first), explained, _fit(first), _fit(first[:, :2]), kin)
    places, distances = nearest(directions, min(NEIGHBOURS, len(vectors) - 1))
    solid = umap(places, distances, first, epochs=epochs)
    flat = umap(places, distances, first[:, :2], epochs=epochs)
    return Projection(
        _fit(first), explained, _fit(solid), _fit(flat), majority(labels, places[:, : min(_KIN, len(vectors) // 2)])
    )


def _components(vectors: Floats) -> tuple[Floats, Floats]:
    """The first three principal components, (n, 3), and their shares; each axis' largest entry is positive."""
    found, shares = np.zeros((len(vectors), 3), np.float32), np.zeros(3, np.float32)
    centred = vectors - vectors.mean(0)
    spread, axes = np.linalg.eigh(centred.T @ centred)
    kept = min(3, len(spread))
    best = axes[:, ::-1][:, :kept]
    best = best * np.sign(best[np.abs(best).argmax(0), np.arange(kept)])
    found[:, :kept] = centred @ best
    shares[:kept] = np.maximum(spread[::-1][:kept], 0) / max(float(spread.sum()), 1e-12)
    return found, shares


def _fit(points: Floats) -> Floats:
    centred = points - points.mean(0)
    reach = np.percentile(np.linalg.norm(centred, axis=1), _REACH)
    return np.asarray(centred / max(float(reach), 1e-12), np.float32)
