"""How well similar pictures are found by their embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.transform import Pixels

NEAREST: Final = 5
_BLOCK: Final = 512
_ELSEWHERE: Final = "_elsewhere"

MEANINGS: Final = {
    "precision_at_5": "Mean over images of the share of their own class among the 5 most similar other images.",
    "map": "Mean average precision: mean over images of the precision at each image of their class, by similarity.",
    "precision_at_5_elsewhere": "Precision@5 among images of other groups only.",
    "map_elsewhere": "Mean average precision among images of other groups only.",
    "recall_at_1_jpeg": "Share of images whose copy, saved as JPEG of quality 50, finds its original first.",
    "recall_at_1_half": "Share of images whose copy of half the size finds its original first.",
    "recall_at_1_crop": "Share of images whose copy, cut by 5 % on each side, finds its original first.",
}
"""What is said of embeddings, by name. Similarity is the cosine."""


def neighbours(
    embeddings: NDArray[Any], labels: Sequence[str], groups: Sequence[str] | None = None
) -> list[dict[str, float]]:
    """Precision@5 and average precision of each image against all others, and against those of other groups.

    Args:
        embeddings: (n, d); their length does not matter.
        labels: (n,), the images' classes.
        groups: (n,), for example their sources.

    Returns:
        For each image ``precision_at_5`` and ``map``, with ``groups`` also ``…_elsewhere``; nan where no other image
        is of its class.
    """
    units, (_, classes) = unit(embeddings), np.unique(np.asarray(labels, str), return_inverse=True)
    sources = None if groups is None else np.unique(np.asarray(groups, str), return_inverse=True)[1]
    found: list[dict[str, float]] = []
    for start in range(0, len(units), _BLOCK):
        alike = units[start : start + _BLOCK] @ units.T
        for place, line in enumerate(alike, start=start):
            same = classes == classes[place]
            others = np.arange(len(units)) != place
            figures = ranked(line[others], same[others])
            if sources is not None:
                away = sources != sources[place]
                figures |= {f"{name}{_ELSEWHERE}": v for name, v in ranked(line[away], same[away]).items()}
            found.append(figures)
    return found


def ranked(similarity: NDArray[Any], same: NDArray[np.bool_]) -> dict[str, float]:
    """Precision among the nearest five, and average precision: mean precision at the place of each right one.

    Args:
        similarity: (n,), larger is nearer.
        same: (n,), bool, whether it is a right one.
    """
    if not same.any():
        return {"precision_at_5": float("nan"), "map": float("nan")}
    right = same[np.argsort(-similarity, kind="stable")]
    places = np.flatnonzero(right) + 1
    return {
        "precision_at_5": float(right[:NEAREST].mean()),
        "map": float((np.arange(1, len(places) + 1) / places).mean()),
    }


def finds_itself(copies: NDArray[Any], originals: NDArray[Any], places: Sequence[int]) -> NDArray[np.bool_]:
    """Whether each altered copy's nearest original is the one it was made of (known-item search, recall@1).

    Args:
        copies: (m, d).
        originals: (n, d), the index.
        places: (m,), where in the index each copy's original is.
    """
    return np.asarray((unit(copies) @ unit(originals).T).argmax(axis=1) == np.asarray(places))


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """(n, d) float32, each of length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def altered(pixels: Pixels) -> dict[str, Pixels]:
    """What becomes of a picture that is passed on: recompressed, made smaller, cut.

    Args:
        pixels: (height, width, 3), uint8, RGB.

    Returns:
        By the name of its figure in :data:`MEANINGS`.
    """
    height, width = pixels.shape[:2]
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, 50))
    again = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
    half = cv2.resize(pixels, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    down, across = round(0.05 * height), round(0.05 * width)
    return {
        "recall_at_1_jpeg": np.ascontiguousarray(again),
        "recall_at_1_half": np.asarray(half, np.uint8),
        "recall_at_1_crop": np.ascontiguousarray(pixels[down : height - down, across : width - across]),
    }
