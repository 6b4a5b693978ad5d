"""Pictures that are there twice, exactly or nearly, and what they cross: splits, classes, hospitals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atisbo.evaluation.profile import near as search
from atisbo.evaluation.profile.records import Record
from atisbo.evaluation.profile.schema import Group, Member, Near, NearGroup, NearPair
from atisbo.evaluation.profile.walk import shown

_MOST_PAIRS: Final = 50


def exact(images: Iterable[Record], columns: Sequence[str]) -> tuple[Group, ...]:
    """Images of the same bytes, by the first of them."""
    same: dict[bytes, list[Record]] = {}
    for record in images:
        same.setdefault(record.sha256, []).append(record)
    return tuple(
        Group(members=tuple(_member(record, columns) for record in group), crosses=_crossing(group, columns))
        for group in same.values()
        if len(group) > 1
    )


def near(
    images: Iterable[Record], columns: Sequence[str], details: NDArray[np.int8], *, bits: int, similarity: float
) -> Near:
    """Images that look the same; of several of the same bytes the first stands for all."""
    firsts = _firsts(images)
    hashes = np.array([record.hash for record in firsts], np.uint64)
    slots = np.array([record.slot for record in firsts], np.int64)
    pairs = search.near(hashes, details, slots, bits=bits, similarity=similarity)
    differ = _differences(firsts, pairs, columns)
    labels = search.groups(len(firsts), pairs)
    return Near(
        bits=bits,
        similarity=similarity,
        pairs=len(pairs),
        at_least=pairs.at_least,
        crossing={name: int(found.sum()) for name, found in differ.items() if found.any()},
        groups=tuple(_groups(firsts, pairs, labels, differ, columns)),
    )


def _firsts(images: Iterable[Record]) -> list[Record]:
    """One of each content, without those of one colour."""
    found: dict[bytes, Record] = {}
    for record in images:
        if not record.flat:
            found.setdefault(record.sha256, record)
    return list(found.values())


def _differences(
    records: Sequence[Record], pairs: search.Pairs, columns: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Column → of each pair, whether its two have different values; one without a value does not differ."""
    values = [record.values(columns) for record in records]
    found = {}
    for name in ("split", "class", *columns):
        numbers = {value: n for n, value in enumerate(sorted({row[name] for row in values if name in row}))}
        codes = np.array([numbers[row[name]] if name in row else -1 for row in values], np.int64)
        a, b = codes[pairs.first], codes[pairs.second]
        found[name] = (a != b) & (a >= 0) & (b >= 0)
    return found


def _groups(
    records: Sequence[Record],
    pairs: search.Pairs,
    labels: NDArray[np.int64],
    differ: Mapping[str, NDArray[np.bool_]],
    columns: Sequence[str],
) -> Iterable[NearGroup]:
    crossed = np.any(list(differ.values()), axis=0)
    group_of = labels[pairs.first]
    similarity = pairs.similarity.astype(np.float64).round(4)
    order = np.lexsort((pairs.second, pairs.first, -similarity, ~crossed, group_of))
    ordered = group_of[order]
    members = _members(labels, pairs)
    for label in np.unique(group_of).tolist():
        low, high = np.searchsorted(ordered, label, "left"), np.searchsorted(ordered, label, "right")
        mine = order[low:high]
        yield NearGroup(
            members=tuple(_member(records[place], columns) for place in members[label]),
            pairs=tuple(
                NearPair(
                    a=shown(records[int(pairs.first[at])].path),
                    b=shown(records[int(pairs.second[at])].path),
                    bits=int(pairs.bits[at]),
                    similarity=float(similarity[at]),
                    crosses=tuple(name for name, found in differ.items() if found[at]),
                )
                for at in mine[:_MOST_PAIRS].tolist()
            ),
            pairs_found=len(mine),
            crosses=tuple(name for name, found in differ.items() if found[mine].any()),
        )


def _members(labels: NDArray[np.int64], pairs: search.Pairs) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for place in np.unique(np.concatenate([pairs.first, pairs.second])).tolist():
        found.setdefault(int(labels[place]), []).append(place)
    return found


def _crossing(records: Sequence[Record], columns: Sequence[str]) -> tuple[str, ...]:
    """Columns in which the records differ; one that has no value does not."""
    values = [record.values(columns) for record in records]
    names = ("split", "class", *columns)
    return tuple(name for name in names if len({value[name] for value in values if name in value}) > 1)


def _member(record: Record, columns: Sequence[str]) -> Member:
    values = {name: shown(value) for name, value in record.values(columns).items()}
    return Member(path=shown(record.path), values=values)
