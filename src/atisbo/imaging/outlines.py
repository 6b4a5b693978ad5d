"""Masks as run lengths and polygons, and back, without losing a pixel.

Run lengths are those of COCO (column by column, beginning with the background, packed as in pycocotools'
``maskApi.c``). Polygons run along the edges of pixels, so that filling them gives the same mask again; a hole hangs on
its outer ring by a line that is walked there and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from atisbo.imaging.folders import Mask

Point = tuple[float, float]
_SINGLE: Final = 200
"""So many regions are told one by one; the specks after them count as one."""
_TURNS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))


def regions(mask: Mask) -> list[dict[str, Any]]:
    """The connected regions (over 8 neighbours), largest first.

    Returns:
        Of each: ``bbox`` (x, y, width, height), ``area`` in pixels, ``counts`` (packed run lengths over the whole
        mask) and ``polygon``, a flat list x, y, x, y … of corners of pixels.
    """
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    order = sorted(range(1, count), key=lambda number: (-int(stats[number, cv2.CC_STAT_AREA]), number))
    parts = [[number] for number in order[:_SINGLE]] + [order[_SINGLE:]] * (count - 1 > _SINGLE)
    found = []
    for part in parts:
        whole = np.isin(numbered, part)
        x, y, width, height = cv2.boundingRect(whole.view(np.uint8))
        ring = [value + (x, y)[at % 2] for at, value in enumerate(_polygon(whole[y : y + height, x : x + width]))]
        area = int(np.count_nonzero(whole))
        found.append({"bbox": [x, y, width, height], "area": area, "counts": packed(whole), "polygon": ring})
    return found


def packed(mask: Mask) -> str:
    """COCO's compressed run lengths of a mask."""
    values = mask.T.ravel()
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    runs = [0] * bool(values[0]) + np.diff(np.concatenate([[0], changes, [values.size]])).tolist()
    text = bytearray()
    for at, run in enumerate(runs):
        _pack(run - runs[at - 2] if at > 2 else run, text)
    return text.decode("ascii")


def _pack(value: int, text: bytearray) -> None:
    more = True
    while more:
        part = value & 0x1F
        value >>= 5
        more = value != -1 if part & 0x10 else value != 0
        text.append((part | 0x20 if more else part) + 48)


def unpacked(counts: str | Sequence[int], size: tuple[int, int]) -> Mask:
    """The mask that :func:`packed` wrote; also takes run lengths that are not packed.

    Args:
        size: height and width, pixels.

    Raises:
        ValueError: the run lengths do not fill the size.
    """
    runs = _runs(counts) if isinstance(counts, str) else [int(run) for run in counts]
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        raise ValueError("the run lengths do not fill the picture")
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.ascontiguousarray(flat.reshape(size[1], size[0]).T)


def _runs(counts: str) -> list[int]:
    runs: list[int] = []
    at, codes = 0, counts.encode("ascii", "replace")
    while at < len(codes):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(codes) or not 48 <= codes[at] < 112 or shift > 60:
                raise ValueError("the run lengths are damaged")
            part = codes[at] - 48
            value |= (part & 0x1F) << shift
            more, at, shift = bool(part & 0x20), at + 1, shift + 5
            if not more and part & 0x10:
                value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def _polygon(own: Mask) -> list[int]:
    """One ring around a region: its outer edge, then each hole with the way there and back."""
    rings = _rings(own)
    points = [*rings[0], rings[0][0]]
    for ring in rings[1:]:
        points += [*ring, ring[0], rings[0][0]]
    return [value for point in (points if len(rings) > 1 else points[:-1]) for value in point]


def _rings(own: Mask) -> list[list[tuple[int, int]]]:
    """Closed walks along the edges between inside and outside, the inside on the right, only where they turn."""
    padded = np.pad(own, 1)
    inner = padded[1:-1, 1:-1]
    edges: dict[tuple[int, int], list[int]] = {}
    for turn, other, dx, dy in (
        (0, padded[:-2, 1:-1], 0, 0),
        (1, padded[1:-1, 2:], 1, 0),
        (2, padded[2:, 1:-1], 1, 1),
        (3, padded[1:-1, :-2], 0, 1),
    ):
        for y, x in np.argwhere(inner & ~other).tolist():
            edges.setdefault((x + dx, y + dy), []).append(turn)
    rings = []
    while edges:
        start = min(edges, key=lambda point: (point[1], point[0]))
        rings.append(_walk(edges, start))
    return rings


def _walk(edges: dict[tuple[int, int], list[int]], start: tuple[int, int]) -> list[tuple[int, int]]:
    at, turn = start, -1
    ring: list[tuple[int, int]] = []
    while at in edges:
        ways = edges[at]
        way = turn if turn in ways else ways[0]
        ways.remove(way)
        if not ways:
            del edges[at]
        if way != turn:
            ring.append(at)
        turn, at = way, (at[0] + _TURNS[way][0], at[1] + _TURNS[way][1])
    return ring


def filled(rings: Iterable[Sequence[Point]], size: tuple[int, int]) -> Mask:
    """The pixels whose centres lie within an odd number of rings.

    Args:
        rings: corners (x, y) in pixels.
        size: height and width, pixels.
    """
    height, width = size
    flips = np.zeros((height, width + 1), np.bool_)
    for ring in rings:
        for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
            if y1 == y2:
                continue
            top, bottom = min(y1, y2), max(y1, y2)
            rows = np.arange(max(0, int(np.ceil(top - 0.5))), min(height, int(np.ceil(bottom - 0.5))))
            across = x1 + (rows + 0.5 - y1) * (x2 - x1) / (y2 - y1)
            flips[rows, np.clip(np.ceil(across - 0.5), 0, width).astype(np.int64)] ^= True
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(flips, axis=1)[:, :-1]
    return np.ascontiguousarray(inside)
