"""Pictures that are the same to the eye: found by their hashes, confirmed by their fine structure.

All pairs within a Hamming distance of 7 are found without comparing all with all: of four parts of 16 bits, at least
one differs in at most one bit, so that each part is looked up under its own value and its 16 neighbours (multi-index
hashing: Norouzi, Punjani and Fleet, 2012).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

MAX_BITS: Final = 7
BITS: Final = 7
SIMILARITY: Final = 0.85
_PARTS: Final = 4
_PART_BITS: Final = 16
_AT_ONCE: Final = 1 << 21
"""Pairs compared in one go: bounds memory."""
_ROWS_AT_ONCE: Final = 4096


@dataclass(frozen=True)
class Pairs:
    """Near duplicates: positions in what was searched, ``first < second``, sorted."""

    first: Indices
    second: Indices
    bits: NDArray[np.uint8]
    """Of the 64 of the hash, how many differ."""
    similarity: NDArray[np.float32]
    """Cosine of the fine structures, up to 1."""

    def __len__(self) -> int:
        return len(self.first)

    def rows(self) -> Iterator[tuple[int, int, int, float]]:
        """First, second, bits and similarity of each pair."""
        yield from zip(
            *(column.tolist() for column in (self.first, self.second, self.bits, self.similarity)), strict=True
        )


def near(
    hashes: Hashes,
    details: NDArray[np.int8],
    slots: Indices | None = None,
    *,
    bits: int = BITS,
    similarity: float = SIMILARITY,
) -> Pairs:
    """All near duplicates.

    Pictures of one and the same hash are compared with the first of them only: they form one group all the same.

    Args:
        hashes: (n,), uint64.
        details: (m, 1024), int8, from :func:`.look.detail`; may be mapped from a file.
        slots: (n,), row of ``details`` of each picture; the same order where not given.
        bits: of a hash may differ, 0 to 7.
        similarity: of the fine structures at least.
    """
    unique, back, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    first, second = _candidates(unique, min(bits, MAX_BITS))
    same = np.flatnonzero(back[inverse] != np.arange(len(hashes)))
    a = np.concatenate([back[first], back[inverse[same]]])
    b = np.concatenate([back[second], same])
    a, b = np.minimum(a, b), np.maximum(a, b)
    rows = np.arange(len(hashes)) if slots is None else slots
    alike = _cosines(details, rows[a], rows[b])
    order = np.lexsort((b, a))
    order = order[alike[order] >= similarity]
    a, b = a[order], b[order]
    return Pairs(a, b, np.bitwise_count(hashes[a] ^ hashes[b]), alike[order])


def groups(count: int, pairs: Pairs) -> list[list[int]]:
    """What hangs together through pairs: positions in ascending order, by their first."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        x, y = root(a), root(b)
        parent[max(x, y)] = min(x, y)
    members: dict[int, list[int]] = {}
    for item in sorted({*pairs.first.tolist(), *pairs.second.tolist()}):
        members.setdefault(root(item), []).append(item)
    return list(members.values())


def _candidates(unique: Hashes, most: int) -> tuple[Indices, Indices]:
    """Positions of all pairs of unequal hashes within ``most`` bits of each other."""
    found = [np.empty((0, 2), np.int64)]
    found += [pairs for part in range(_PARTS) for pairs in _of_part(unique, part, most)]
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs[:, 0], pairs[:, 1]


def _of_part(unique: Hashes, part: int, most: int) -> Iterator[Indices]:
    keys = ((unique >> np.uint64(_PART_BITS * part)) & np.uint64(0xFFFF)).astype(np.int64)
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    probes = [0] + ([1 << bit for bit in range(_PART_BITS)] if most >= _PARTS else [])
    for probe in probes:
        low = np.searchsorted(sorted_keys, keys ^ probe, "left")
        high = np.searchsorted(sorted_keys, keys ^ probe, "right")
        for a, at in _spread(low, high):
            b = order[at]
            close = (a < b) & (np.bitwise_count(unique[a] ^ unique[b]) <= most)
            yield np.stack([a[close], b[close]], axis=1)


def _spread(low: Indices, high: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Every (position, place) with ``low[position] <= place < high[position]``, some at a time."""
    ends = np.cumsum(high - low)
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _AT_ONCE):
        flat = np.arange(start, min(start + _AT_ONCE, total), dtype=np.int64)
        position = np.searchsorted(ends, flat, "right").astype(np.int64)
        yield position, (high[position] - ends[position] + flat).astype(np.int64)


def _cosines(details: NDArray[np.int8], a: Indices, b: Indices) -> NDArray[np.float32]:
    parts = [np.empty(0, np.float32)]
    for start in range(0, len(a), _ROWS_AT_ONCE):
        x, y = (details[side[start : start + _ROWS_AT_ONCE]].astype(np.float32) for side in (a, b))
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        parts.append(np.einsum("ij,ij->i", x, y) / np.maximum(lengths, 1e-6))
    return np.concatenate(parts)
