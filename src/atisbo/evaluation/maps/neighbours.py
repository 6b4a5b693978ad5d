"""The nearest of each picture, exactly."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_BLOCK: Final = 1024


def unit(vectors: Floats) -> Floats:
    """(n, d) at length 1; what is zero stays so."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def nearest(vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """The ``k`` others nearest to each by cosine, nearest first, compared with all in blocks.

    Args:
        vectors: (n, d), float32, of length 1.
        k: below n.

    Returns:
        Places (n, k) and distances 1 - cosine (n, k), 0 to 2.
    """
    count = len(vectors)
    places, distances = np.empty((count, k), np.int64), np.empty((count, k), np.float32)
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        apart = 1 - vectors[rows] @ vectors.T
        apart[rows - start, rows] = np.inf
        found = np.argpartition(apart, k - 1, axis=1)[:, :k]
        lengths = np.take_along_axis(apart, found, 1)
        order = np.argsort(lengths, axis=1, kind="stable")
        places[rows] = np.take_along_axis(found, order, 1)
        distances[rows] = np.maximum(np.take_along_axis(lengths, order, 1), 0)
    return places, distances


def majority(labels: Ints, places: Ints) -> Ints:
    """The label that most of each picture's neighbours carry, the smallest of equals; -1 where none has one.

    Args:
        labels: (n,), -1 where there is none.
        places: (n, k), see :func:`nearest`.
    """
    if not len(labels) or labels.max() < 0:
        return np.full(len(labels), -1, np.int64)
    around = labels[places]
    votes = np.stack([(around == label).sum(1) for label in range(int(labels.max()) + 1)], axis=1)
    return np.where(votes.max(1) > 0, votes.argmax(1), -1)
