"""Whether a change of pictures is told, and chance is not."""

from __future__ import annotations

import random

import pytest

from atisbo.domain.drift import STEPS, Change, Spread, chance, group, groups, tones

NAMES = {"less": Change.DARKER, "more": Change.LIGHTER}
BEFORE = [100.0 + n % 60 for n in range(300)]


def test_darker_pictures_are_noticed_and_equal_ones_are_not() -> None:
    before = Spread.of(BEFORE)
    same = tones(before, BEFORE[::2], **NAMES)
    assert same is not None
    assert (same.change, same.images) == (None, 150)
    darker = tones(before, [value - 60 for value in BEFORE[:100]], **NAMES)
    assert darker is not None
    assert (darker.change, darker.strong) == (Change.DARKER, True)
    lighter = tones(before, [value + 60 for value in BEFORE[:100]], **NAMES)
    assert lighter is not None
    assert lighter.change is Change.LIGHTER
    assert tones(before, BEFORE[:49], **NAMES) is None


def test_what_chance_makes_is_not_told() -> None:
    """Two small samples of the same pictures differ by more than the usual limit, and nothing is said of it."""
    rng = random.Random(0)
    told, above = 0, 0
    for _ in range(400):
        before, recent = ([rng.randrange(9) for _ in range(60)] for _ in range(2))
        found = groups(Spread.counted(before, 9), recent)
        assert found is not None
        told, above = told + (found.change is not None), above + (found.index >= 0.25)
    assert above > 100
    assert told <= 12, "about one in a hundred"


def test_chance_as_in_the_table_of_the_distribution() -> None:
    """0.99 quantiles of χ²: 21.666 with nine degrees of freedom, 6.635 with one."""
    assert chance(STEPS, 200, 200) == pytest.approx(21.666 / 100, rel=0.01)
    assert chance(2, 100, 100) == pytest.approx(6.635 / 50, rel=0.02)
    assert chance(1, 100, 100) == 0.0


def test_pictures_unlike_all_groups_are_told_from_another_mixture() -> None:
    before = Spread((0.5, 0.45, 0.05), 1000)
    usual = groups(before, [0] * 50 + [1] * 45 + [2] * 5)
    assert usual is not None
    assert usual.change is None
    strange = groups(before, [0] * 40 + [1] * 30 + [2] * 30)
    assert strange is not None
    assert (strange.change, strange.strong) == (Change.UNLIKE, True)
    mixed = groups(before, [0] * 90 + [1] * 5 + [2] * 5)
    assert mixed is not None
    assert mixed.change is Change.MIXTURE
    assert groups(before, [0] * 10) is None


def test_far_is_a_group_of_its_own() -> None:
    assert group([0.3, 0.1], 0.2) == 1
    assert group([0.3, 0.21], 0.2) == 2
