"""UMAP (McInnes, Healy and Melville, 2018) in NumPy, for some ten thousand points.

As the authors' own program with 15 neighbours and a minimal distance of 0.5, which leaves room for pictures, but for
three things: neighbours are found exactly, the start is the first principal components, and an epoch's pulls and
pushes are applied in a few groups instead of one by one, which arrays can do.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from atisbo.evaluation.maps.neighbours import Floats, Ints

NEIGHBOURS: Final = 15
_A: Final = 0.583
_B: Final = 1.334
"""Of 1 / (1 + a d^2b), fitted to a minimal distance of 0.5 and a spread of 1."""
_PUSHES: Final = 5
_GROUPS: Final = 6
_CLIP: Final = 4.0
_STEPS: Final = 64


def umap(places: Ints, distances: Floats, start: Floats, *, epochs: int = 240, seed: int = 0) -> Floats:
    """Where each point lies, (n, dimensions).

    Args:
        places, distances: (n, k), see :func:`atisbo.evaluation.maps.neighbours.nearest`.
        start: (n, dimensions), for example principal components; its scale does not matter.
    """
    random = np.random.default_rng(seed)
    heads, tails, weights = _graph(places, distances)
    due = weights.max() / weights
    kept = due <= epochs
    heads, tails, due = heads[kept], tails[kept], due[kept]
    at = np.array(10 * start / max(float(np.abs(start).max()), 1e-12), np.float64)
    at += random.normal(scale=1e-4, size=at.shape)
    following = due.copy()
    for epoch in range(1, epochs + 1):
        active = np.flatnonzero(following <= epoch)
        following[active] += due[active]
        rate = 1 - (epoch - 1) / epochs
        for group in np.array_split(random.permutation(active), _GROUPS):
            _pull(at, heads[group], tails[group], rate)
            _push(at, np.repeat(heads[group], _PUSHES), random, rate)
    return np.asarray(at, np.float32)


def _graph(places: Ints, distances: Floats) -> tuple[Ints, Ints, Floats]:
    """Edges both ways with their weights: how surely each is a neighbour of the other, seen from either side."""
    count, k = places.shape
    weights = _memberships(distances)
    heads, tails = np.repeat(np.arange(count), k), places.ravel()
    there, back = heads * count + tails, tails * count + heads
    keys, place = np.unique(np.concatenate([there, back]), return_inverse=True)
    one, other = np.zeros(len(keys)), np.zeros(len(keys))
    one[place[: count * k]] = weights.ravel()
    other[place[count * k :]] = weights.ravel()
    both = one + other - one * other
    real = both > 0
    return keys[real] // count, keys[real] % count, np.asarray(both[real], np.float32)


def _memberships(distances: Floats) -> Floats:
    """exp(-(d - rho) / sigma) with rho the nearest and sigma such that they add up to log2 k; found by halving."""
    k = distances.shape[1]
    rho = np.where(distances > 0, distances, np.inf).min(1)
    rho = np.where(np.isfinite(rho), rho, 0)[:, None]
    beyond = np.maximum(distances - rho, 0)
    low, high, sigma = np.zeros(len(distances)), np.full(len(distances), np.inf), np.ones(len(distances))
    for _ in range(_STEPS):
        more = np.exp(-beyond / sigma[:, None]).sum(1) > np.log2(k)
        low, high = np.where(more, low, sigma), np.where(more, sigma, high)
        sigma = np.where(np.isfinite(high), (low + high) / 2, sigma * 2)
    floor = 1e-3 * np.maximum(distances.mean(1), distances.mean())
    return np.asarray(np.exp(-beyond / np.maximum(sigma, np.maximum(floor, 1e-12))[:, None]), np.float32)


def _pull(at: np.ndarray, heads: Ints, tails: Ints, rate: float) -> None:
    apart = at[heads] - at[tails]
    squared = np.maximum((apart**2).sum(1), 1e-12)
    strength = -2 * _A * _B * squared ** (_B - 1) / (1 + _A * squared**_B)
    step = rate * np.clip(strength[:, None] * apart, -_CLIP, _CLIP)
    _add(at, heads, step)
    _add(at, tails, -step)


def _push(at: np.ndarray, heads: Ints, random: np.random.Generator, rate: float) -> None:
    others = random.integers(0, len(at), len(heads))
    apart = at[heads] - at[others]
    squared = (apart**2).sum(1)
    strength = 2 * _B / ((0.001 + squared) * (1 + _A * squared**_B))
    step = rate * np.clip(strength[:, None] * apart, -_CLIP, _CLIP)
    step[heads == others] = 0
    _add(at, heads, step)


def _add(at: np.ndarray, places: Ints, steps: np.ndarray) -> None:
    for axis in range(at.shape[1]):
        at[:, axis] += np.bincount(places, steps[:, axis], len(at))
