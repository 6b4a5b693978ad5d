from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, roc_curve

from atisbo.evaluation.classes import area_under_risk
from atisbo.evaluation.curves import reliability, risk_coverage, roc
from atisbo.evaluation.intervals import draw


def scored() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.random(300) < 0.4
    return (0.35 + 0.25 * truth + random.normal(0, 0.15, 300)).clip(0, 1).round(2), truth


def test_the_roc_curve_is_that_of_scikit_learn() -> None:
    scores, truth = scored()
    alarms, found, _ = roc_curve(truth, scores, drop_intermediate=False)
    assert np.array(roc(scores, truth)) == pytest.approx(np.stack([alarms, found], axis=1))
    assert auc(*np.array(roc(scores, truth)).T) == pytest.approx(auc(alarms, found))


def test_the_reliability_diagram_is_that_of_scikit_learn() -> None:
    scores, truth = scored()
    scores = scores + 0.003 * (scores < 0.9)
    bins = reliability(scores, truth, draw(300, draws=200))
    shares, means = calibration_curve(truth, scores, n_bins=15)
    assert [one.share for one in bins] == pytest.approx(shares)
    assert [one.probability for one in bins] == pytest.approx(means)
    assert sum(one.n for one in bins) == 300
    assert all(one.edges and one.edges[0] <= one.share <= one.edges[1] for one in bins)


def test_risk_over_coverage_by_hand() -> None:
    doubt, wrong = np.array([0.3, 0.1, 0.2, 0.3]), np.array([True, False, False, False])
    assert risk_coverage(doubt, wrong) == [(0.25, 0.0), (0.5, 0.0), (1.0, 0.25)]
    assert area_under_risk(doubt, wrong, np.ones((1, 4)))[0] == pytest.approx((0 + 0 + 2 * 0.25) / 4)
