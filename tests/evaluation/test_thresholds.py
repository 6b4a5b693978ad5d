from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from atisbo.evaluation.thresholds import dice_by_threshold, mdice_pranet


def pair(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = np.zeros((20, 30), bool)
    truth[5:15, 8:22] = True
    return (0.3 * random.random(truth.shape) + 0.5 * truth + 0.1).astype(np.float32), truth


def test_the_curve_is_scikit_learns_f1_at_each_threshold() -> None:
    found, truth = pair()
    curve = dice_by_threshold(found, truth)
    assert curve.shape == (255,)
    for level in (1, 64, 128, 200, 255):
        expected = f1_score(truth.ravel(), found.ravel() >= level / 256, zero_division=1)
        assert curve[level - 1] == pytest.approx(expected)


def test_where_nothing_is_true_nothing_found_is_right() -> None:
    curve = dice_by_threshold(np.full((4, 4), 0.5), np.zeros((4, 4), bool))
    assert curve[:128].tolist() == [0.0] * 128
    assert curve[128:].tolist() == [1.0] * 127


def by_hand(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """PraNet's two programs, line by line, in their slow order."""
    saved = (probabilities - probabilities.min()) / (probabilities.max() - probabilities.min() + 1e-8)
    image = np.rint(saved * 255) / 255
    dice = []
    for threshold in np.arange(256)[::-1] / 255:
        label = image >= threshold - 1e-12
        both = np.count_nonzero(label & truth)
        dice.append(2 * both / (truth.sum() + label.sum()) if both else 0.0)
    return float(np.mean(dice))


@pytest.mark.parametrize("seed", range(3))
def test_pranets_figure_is_what_its_code_gives(seed: int) -> None:
    found, truth = pair(seed)
    assert mdice_pranet(found, truth) == pytest.approx(by_hand(found.astype(float), truth))


def test_pranets_figure_stretches_the_map_and_differs_from_dice() -> None:
    found, truth = pair()
    assert mdice_pranet(found * 0.1, truth) == pytest.approx(mdice_pranet(found, truth), abs=1e-3)
    perfect = truth.astype(np.float32)
    assert mdice_pranet(perfect, truth) == pytest.approx((255 + 2 * 140 / (140 + 600)) / 256)
    assert math.isnan(mdice_pranet(found, np.zeros_like(truth)))
    assert mdice_pranet(np.zeros(truth.shape, np.float32), truth) == pytest.approx(2 * 140 / (140 + 600) / 256)
