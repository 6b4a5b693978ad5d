"""What the pictures that a network learnt from are like: tones, and groups in its embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atisbo.domain.cards import Places, Reference
from atisbo.domain.drift import FAR, Spread

Vectors = NDArray[np.float64]
"""(n, d), each of length 1."""
GROUPS: Final = 8
_ROUNDS: Final = 50
_DIGITS: Final = 4


def describe(
    brightness: Sequence[float],
    contrast: Sequence[float],
    embeddings: Sequence[NDArray[np.float32]],
    unseen: Sequence[bool],
    *,
    data: str,
    data_sha256: str,
) -> Reference:
    """What to hold later pictures against.

    Args:
        brightness: of each picture the mean of its pixels as the network gets them, 0..255; ``contrast`` the standard
            deviation.
        embeddings: of each picture (d,), float32; or none at all.
        unseen: which of the pictures the network did not learn from, as those of validation.
    """
    tones = (Spread.of(values).shares for values in (brightness, contrast))
    first, second = (tuple(round(share, _DIGITS) for share in shares) for shares in tones)
    return Reference(
        images=len(brightness),
        data=data,
        data_sha256=data_sha256,
        brightness=first,
        contrast=second,
        places=places(np.stack(embeddings), np.array(unseen, bool)) if len(embeddings) else None,
    )


def places(embeddings: NDArray[np.float32], unseen: NDArray[np.bool_]) -> Places:
    """Groups by spherical k-means (Dhillon & Modha, 2001), and how far from them is far.

    A network puts what it learnt from closer together than what it meets later. How far is far is therefore found on
    pictures that it did not learn from, where there are enough of them.

    Args:
        embeddings: (n, d), float32.
        unseen: (n,).
    """
    vectors = unit(embeddings)
    centres = np.round(unit(grouped(vectors, GROUPS)), _DIGITS)
    nearest = distances(vectors, centres)
    known = nearest.min(1)[unseen] if unseen.sum() >= 1 / FAR else nearest.min(1)
    reach = float(np.quantile(known, 1 - FAR))
    shares = np.bincount(nearest.argmin(1), minlength=len(centres)) / len(vectors) * (1 - FAR)
    return Places(
        centres=tuple(tuple(centre) for centre in centres.tolist()),
        reach=max(round(reach, _DIGITS), 10.0**-_DIGITS),
        shares=(*(round(share, _DIGITS) for share in shares.tolist()), FAR),
    )


def unit(vectors: NDArray[np.generic]) -> Vectors:
    """Each of length 1; nothing but zeros stays so."""
    values = np.asarray(vectors, np.float64)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def distances(vectors: Vectors, centres: Vectors) -> Vectors:
    """1 − cosine of each to each centre, (n, k)."""
    return np.asarray(1 - vectors @ unit(centres).T)


def grouped(vectors: Vectors, count: int) -> Vectors:
    """Directions of at most ``count`` groups, the same every time: (k, d), k fewer where there are few pictures."""
    count = max(1, min(count, len(vectors) // 4))
    centres = _apart(vectors, count)
    for _ in range(_ROUNDS):
        belongs = (vectors @ centres.T).argmax(1)
        sums = np.stack([vectors[belongs == one].sum(0) for one in range(len(centres))])
        lost = np.linalg.norm(sums, axis=1) < 1e-9
        moved = np.where(lost[:, None], centres, unit(sums))
        if np.allclose(moved, centres):
            break
        centres = moved
    return centres


def _apart(vectors: Vectors, count: int) -> Vectors:
    """Some of the vectors, each drawn with a chance that rises with its distance from those before (k-means++)."""
    rng = np.random.default_rng(0)
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < count:
        far = np.clip(1 - vectors @ vectors[chosen].T, 0, None).min(1)
        total = far.sum()
        chosen.append(int(rng.choice(len(vectors), p=far / total)) if total > 0 else int(rng.integers(len(vectors))))
    return vectors[chosen]
