"""Pictures that are the same to the eye: found by their hashes, confirmed by their fine structure.

Pairs within a Hamming distance of 7 are found without comparing all with all: of four parts of 16 bits, at least one
differs in at most one bit, so that each part is looked up under its own value and its 16 neighbours (multi-index
hashing: Norouzi, Punjani and Fleet, 2012). No pair is missed, but where a picture has very many partners, as in a film:
then it is not looked up any further, and time and memory stay in proportion to the number of pictures.
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
_FINDS: Final = 2_000_000
"""Finds in all, roughly: shared among the pictures, it says after how many one of them is not looked up any further."""


@dataclass(frozen=True)
class Pairs:
    """Near duplicates: positions in what was searched, ``first < second``, sorted."""

    first: Indices
    second: Indices
    bits: NDArray[np.uint8]
    """Of the 64 of the hash, how many differ."""
    similarity: NDArray[np.float32]
    """Cosine of the fine structures, up to 1."""
    at_least: bool = False
    """There are more: some picture has too many partners to find them all."""

    def __len__(self) -> int:
        return len(self.first)


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
    rows = np.arange(len(hashes)) if slots is None else slots
    search = _Search(unique, details, rows[back], min(bits, MAX_BITS), similarity)
    first, second = search.run()
    same = np.flatnonzero(back[inverse] != np.arange(len(hashes)))
    a = np.concatenate([back[first], back[inverse[same]]])
    b = np.concatenate([back[second], same])
    a, b = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    alike = _cosines(details, rows[a], rows[b])
    kept = alike >= similarity
    a, b, alike = a[kept], b[kept], alike[kept]
    return Pairs(a, b, np.bitwise_count(hashes[a] ^ hashes[b]), alike, search.at_least)


def groups(count: int, pairs: Pairs) -> Indices:
    """(count,), int64: what hangs together through pairs has the position of its first picture."""
    labels = np.arange(count)
    while True:
        least = np.minimum(labels[pairs.first], labels[pairs.second])
        before = labels.copy()
        for side in (pairs.first, pairs.second):
            np.minimum.at(labels, before[side], least)
        labels = labels[labels]
        if (labels == before).all():
            return labels


class _Search:
    """Looks up unequal hashes under each of their parts."""

    def __init__(self, unique: Hashes, details: NDArray[np.int8], rows: Indices, most: int, similarity: float) -> None:
        self._unique, self._details, self._rows = unique, details, rows
        self._most, self._similarity = most, similarity
        self._finds = np.zeros(len(unique), np.int64)
        self._enough = min(max(_FINDS // max(len(unique), 1), 16), 1024)
        self.at_least = False

    def run(self) -> tuple[Indices, Indices]:
        """Positions of the pairs that are near and alike, each pair once."""
        count = max(len(self._unique), 1)
        found = [np.empty(0, np.int64)]
        for part in range(_PARTS):
            found += [low * count + high for low, high in self._of_part(part)]
        keys = np.unique(np.concatenate(found))
        self.at_least |= bool((self._finds >= self._enough).any())
        return keys // count, keys % count

    def _of_part(self, part: int) -> Iterator[tuple[Indices, Indices]]:
        keys = ((self._unique >> np.uint64(_PART_BITS * part)) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        probes = [0] + ([1 << bit for bit in range(_PART_BITS)] if self._most >= _PARTS else [])
        for probe in probes:
            asking = np.flatnonzero(self._finds < self._enough)
            low = np.searchsorted(sorted_keys, keys[asking] ^ probe, "left")
            high = np.searchsorted(sorted_keys, keys[asking] ^ probe, "right")
            self.at_least |= bool((high - low > self._enough).any())
            for position, place in _spread(low, np.minimum(high, low + self._enough)):
                yield self._alike(asking[position], order[place])

    def _alike(self, a: Indices, b: Indices) -> tuple[Indices, Indices]:
        close = (a != b) & (np.bitwise_count(self._unique[a] ^ self._unique[b]) <= self._most)
        a, b = a[close], b[close]
        kept = _cosines(self._details, self._rows[a], self._rows[b]) >= self._similarity
        a, b = a[kept], b[kept]
        self._finds += np.bincount(a, minlength=len(self._finds))
        return np.minimum(a, b), np.maximum(a, b)


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
