from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from atisbo.domain.datasets import Shares, Split, key
from atisbo.domain.splits import Member, divide

SALT = b"salt"


def member(number: int, group: int | None = None, stratum: str = "") -> Member:
    groups = (key(SALT, "group", str(group)),) if group is not None else ()
    return Member((key(SALT, "picture", str(number)),), groups, stratum)


images = st.lists(
    st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 12)), st.sampled_from("abc")),
    max_size=40,
    unique_by=lambda one: one[0],
)
rounds = st.lists(
    st.tuples(images, st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=6)), max_size=5
)


@given(rounds)
def test_an_image_never_changes_sides(
    history: list[tuple[list[tuple[int, int | None, str]], list[tuple[int, int]]]],
) -> None:
    """Whatever is added, removed, regrouped or found to be alike later."""
    assigned: dict[bytes, Split] = {}
    first: dict[int, Split] = {}
    for pictures, pairs in history:
        members = [member(*one) for one in pictures]
        alike = [(a, b) for a, b in pairs if max(a, b) < len(members)]
        before = dict(assigned)
        result = divide(members, alike, assigned, Shares())
        assert not set(result.fresh) & set(assigned)
        assigned |= result.fresh
        for (number, _, _), side in zip(pictures, result.sides, strict=True):
            if side is not None:
                assert first.setdefault(number, side) is side
        together(members, alike, result.sides, before)


def together(
    members: list[Member], alike: list[tuple[int, int]], sides: list[Split | None], before: dict[bytes, Split]
) -> None:
    """Two that belong together are on one side, unless both had one before."""
    linked = [(a, b) for a in range(len(members)) for b in range(a) if set(members[a].keys) & set(members[b].keys)]
    for a, b in [*linked, *alike]:
        if sides[a] is not None and sides[b] is not None and sides[a] is not sides[b]:
            assert members[a].keys[0] in before
            assert members[b].keys[0] in before


@given(st.integers(20, 200), st.integers(1, 4))
def test_sides_have_their_share_of_every_class(count: int, classes: int) -> None:
    members = [member(number, stratum=str(number % classes)) for number in range(count)]
    result = divide(members, [], {}, Shares())
    for kind in range(classes):
        sides = Counter(side for at, side in enumerate(result.sides) if at % classes == kind)
        whole = sum(sides.values())
        for side in Split:
            assert abs(sides[side] - Shares().of(side) * whole) <= 1


def test_a_likeness_to_both_sides_is_left_out_and_moves_nobody() -> None:
    pair = [member(1), member(2)]
    assigned = {pair[0].keys[0]: Split.TEST, pair[1].keys[0]: Split.TRAINING}
    result = divide([*pair, member(3)], [(0, 2), (1, 2)], assigned, Shares())
    assert result.sides == [Split.TEST, Split.TRAINING, None]
    assert result.fresh == {}


def test_an_image_of_an_earlier_dataset_ties_its_copies_to_its_side() -> None:
    old = Member((key(SALT, "picture", "1"),), counts=False)
    for side in Split:
        assert divide([member(2), old], [(0, 1)], {old.keys[0]: side}, Shares()).sides == [side, side]


def test_without_the_salt_nobody_foresees_the_sides() -> None:
    def sides(salt: bytes) -> list[Split | None]:
        return divide([Member((key(salt, "picture", str(n)),)) for n in range(40)], [], {}, Shares()).sides

    assert sides(b"one") == sides(b"one") != sides(b"two")
