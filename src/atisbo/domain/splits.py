"""Who learns, who validates, who is sealed: whole groups, evenly over classes, and never moved again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from atisbo.domain.datasets import Shares, Split

Key = bytes


@dataclass(frozen=True)
class Member:
    """An image that may be in a dataset."""

    own: tuple[Key, ...]
    """What it alone is known by."""
    groups: tuple[Key, ...] = ()
    """What it has in common with others; images that share any key belong together."""
    stratum: str = ""
    """What each side should have its share of, usually the class."""
    counts: bool = True
    """False for one that is in an earlier dataset only: it ties others to its side."""

    @property
    def keys(self) -> tuple[Key, ...]:
        return (*self.own, *self.groups)


@dataclass(frozen=True)
class Division:
    """What came of it, by number of the member."""

    sides: list[Split | None]
    """None for one that would be on two sides at once."""
    groups: list[Key]
    """The smallest key of its group."""
    fresh: dict[Key, Split]
    """To be remembered."""


def divide(
    members: Sequence[Member], alike: Iterable[tuple[int, int]], assigned: Mapping[Key, Split], shares: Shares
) -> Division:
    """Give every group a side.

    What has a side keeps it. A group of which one key has a side goes there. One that touches two sides is torn: its
    images that have sides stay there, the others are left out, since wherever they went a likeness would be on the
    other side. New groups go, in the order of their keys (which nobody can foresee without the salt), to the side that
    has least of what they hold.

    Args:
        alike: pairs of numbers that are near duplicates.
        assigned: sides that were given before.
    """
    roots = _roots(members, alike)
    groups: dict[int, list[int]] = defaultdict(list)
    for number, root in enumerate(roots):
        groups[root].append(number)
    names = {root: min(k for number in own for k in members[number].keys) for root, own in groups.items()}
    sides: list[Split | None] = [None] * len(members)
    fresh: dict[Key, Split] = {}
    new: list[int] = []
    for root, own in groups.items():
        keys = {k for number in own for k in members[number].keys}
        known = {assigned[k] for k in keys if k in assigned}
        if len(known) > 1:
            for number in own:
                given = {assigned[k] for k in members[number].own if k in assigned}
                sides[number] = given.pop() if len(given) == 1 else None
        elif known:
            _give(own, known.pop(), members, sides, fresh, assigned)
        else:
            new.append(root)
    need = _Need(members, sides, shares, [number for root in new for number in groups[root]])
    for root in sorted(new, key=names.__getitem__):
        own = groups[root]
        _give(
            own,
            need.place([members[number].stratum for number in own if members[number].counts]),
            members,
            sides,
            fresh,
            assigned,
        )
    return Division(sides, [names[root] for root in roots], fresh)


def _give(
    own: Sequence[int],
    side: Split,
    members: Sequence[Member],
    sides: list[Split | None],
    fresh: dict[Key, Split],
    assigned: Mapping[Key, Split],
) -> None:
    for number in own:
        sides[number] = side
        fresh |= {k: side for k in members[number].keys if k not in assigned}


class _Need:
    """How much each side still lacks of every stratum."""

    def __init__(
        self, members: Sequence[Member], sides: Sequence[Split | None], shares: Shares, new: Sequence[int]
    ) -> None:
        placed = [n for n, side in enumerate(sides) if side is not None and members[n].counts]
        total = Counter(members[n].stratum for n in (*placed, *new) if members[n].counts)
        self._shares = shares
        self._lacks = {(side, kind): shares.of(side) * count for side in Split for kind, count in total.items()}
        for number in placed:
            side = sides[number]
            if side is not None:
                self._lacks[side, members[number].stratum] -= 1

    def place(self, strata: Sequence[str]) -> Split:
        """The side that lacks most of these, and what it lacks less of them."""
        own = Counter(strata)

        def lack(side: Split) -> tuple[float, float, float]:
            wanted = sum(count * self._lacks[side, kind] for kind, count in own.items())
            whole = sum(value for (other, _), value in self._lacks.items() if other is side)
            return round(wanted, 9), round(whole, 9), self._shares.of(side)

        side = max(Split, key=lack)
        for kind, count in own.items():
            self._lacks[side, kind] -= count
        return side


def _roots(members: Sequence[Member], alike: Iterable[tuple[int, int]]) -> list[int]:
    """Equal numbers belong together."""
    parent = list(range(len(members)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[Key, int] = {}
    for number, member in enumerate(members):
        for k in member.keys:
            parent[root(number)] = root(first.setdefault(k, number))
    for a, b in alike:
        parent[root(a)] = root(b)
    return [root(number) for number in range(len(members))]
