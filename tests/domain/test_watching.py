"""Figures of watching against values worked out elsewhere."""

from __future__ import annotations

import pytest

from atisbo.domain.watching import Calibration, Share


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
