"""Figures of watching against values worked out elsewhere."""

from __future__ import annotations

import pytest

from atisbo.domain.watching import Calibration, Change, Share, drift


def test_wilson_interval_as_published() -> None:
    """Newcombe (1998), table I: 81 of 263, and 0 of 20."""
    share = Share.of(81, 263)
    assert (share.low, share.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    none = Share.of(0, 20)
    assert (none.low, none.high) == (0.0, pytest.approx(0.1611, abs=5e-5))
    assert Share.of(0, 0).value is None


def test_calibration_error_is_the_mean_gap() -> None:
    honest = [(0.75, n % 4 != 0) for n in range(40)]
    assert Calibration.of(honest).error == pytest.approx(0.0)
    boasting = [(0.95, n % 2 == 0) for n in range(40)] + [(0.55, n % 2 == 0) for n in range(40)]
    said = Calibration.of(boasting)
    assert said.error == pytest.approx((0.45 + 0.05) / 2)
    assert [one.right.total for one in said.bins] == [40, 40]
    assert Calibration.of([(1.0, True)]).bins[0].said == 1.0
    assert Calibration.of([]).error is None


def test_darker_pictures_are_noticed_and_equal_ones_are_not() -> None:
    before = [100 + n % 60 for n in range(300)]
    names = {"less": Change.DARKER, "more": Change.LIGHTER}
    same = drift(before, before[::2], **names)
    assert same is not None
    assert same.change is None
    darker = drift(before, [value - 60 for value in before[:100]], **names)
    assert darker is not None
    assert (darker.change, darker.strong) == (Change.DARKER, True)
    lighter = drift(before, [value + 60 for value in before[:100]], **names)
    assert lighter is not None
    assert lighter.change is Change.LIGHTER
    assert drift(before, before[:49], **names) is None
