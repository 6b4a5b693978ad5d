from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_curve

from atisbo.errors import Invalid
from atisbo.evaluation.calibration import (
    choose_gate,
    choose_mask_threshold,
    choose_threshold,
    choose_unsure,
    fit_temperature,
    negative_log_likelihood,
)


def answers(temperature: float, labels: int = 3, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Raw answers that are too sure by a factor, and truths drawn from the honest ones."""
    random = np.random.default_rng(1)
    honest = random.normal(0, 1.5, (count, labels))
    shares = np.exp(honest) / np.exp(honest).sum(1, keepdims=True)
    truth = (random.random((count, 1)) > shares.cumsum(1)).sum(1)
    return honest * temperature, truth


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_it_finds_the_factor_by_which_answers_are_too_sure(temperature: float) -> None:
    assert fit_temperature(*answers(temperature)) == pytest.approx(temperature, rel=0.06)


def test_no_other_temperature_is_likelier_and_the_loss_is_torchs() -> None:
    logits, truth = answers(2.5)
    best = fit_temperature(logits, truth)
    losses = {t: negative_log_likelihood(logits / t, truth) for t in (best, best * 1.02, best / 1.02)}
    assert min(losses, key=losses.__getitem__) == best
    cross = torch.nn.functional.cross_entropy(torch.from_numpy(logits / best), torch.from_numpy(truth))
    assert losses[best] == pytest.approx(float(cross))


def test_one_number_is_a_sigmoid() -> None:
    logits, truth = answers(2.0, labels=2)
    one = logits[:, 1] - logits[:, 0]
    assert fit_temperature(one, truth) == pytest.approx(fit_temperature(logits, truth), rel=1e-3)
    assert fit_temperature(one[:, np.newaxis], truth) == fit_temperature(one, truth)


def test_answers_without_a_mistake_or_a_right_one_end_at_the_limits() -> None:
    assert fit_temperature([[4.0, 0.0], [0.0, 4.0]], [0, 1]) == pytest.approx(0.05, rel=1e-3)
    assert fit_temperature([[4.0, 0.0], [0.0, 4.0]], [1, 0]) == pytest.approx(20, rel=1e-3)
    with pytest.raises(Invalid, match="no answers"):
        fit_temperature(np.zeros((0, 3)), [])


def scored(count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.random(count) < 0.3
    return (random.normal(0.4, 0.15, count) + 0.25 * truth).clip(0, 1).round(2), truth


def test_thresholds_are_the_best_there_are() -> None:
    scores, truth = scored()
    every = np.linspace(0.001, 0.999, 1999)
    accuracy = choose_threshold(scores, truth, "accuracy")
    assert ((scores >= accuracy) == truth).mean() == max(((scores >= t) == truth).mean() for t in every)
    youden = choose_threshold(scores, truth, "youden")
    others = [balanced_accuracy_score(truth, scores >= t) for t in every]
    assert balanced_accuracy_score(truth, scores >= youden) == pytest.approx(max(others))


def test_sensitivity_at_a_specificity_is_that_of_the_roc_curve() -> None:
    scores, truth = scored()
    threshold = choose_threshold(scores, truth, "sensitivity", specificity=0.9)
    false_alarms, found, _ = roc_curve(truth, scores)
    assert (scores[truth] >= threshold).mean() == found[1 - false_alarms >= 0.9].max()
    assert (scores[~truth] < threshold).mean() >= 0.9


def test_equally_good_thresholds_end_near_a_half() -> None:
    assert choose_threshold([0.1, 0.9], [False, True]) == 0.5
    with pytest.raises(Invalid, match="both kinds"):
        choose_threshold([0.1, 0.9], [True, True])


def test_the_threshold_of_masks_is_the_peak_of_the_mean_curve() -> None:
    curves = np.zeros((2, 255))
    curves[0, 100:140], curves[1, 126:129] = 0.8, 0.9
    assert choose_mask_threshold(curves) == 128 / 256


def test_doubtful_answers_are_held_back_until_the_rest_is_good_enough() -> None:
    doubt = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    wrong = [False] * 7 + [True, False, True]
    assert choose_unsure(doubt, wrong, accuracy=1.0) == pytest.approx(0.75)
    assert choose_unsure(doubt, wrong, accuracy=0.88) == pytest.approx(0.925)
    assert choose_unsure(doubt, wrong, accuracy=0.5) is None
    assert choose_unsure(doubt, [True] * 10, accuracy=0.9) is None
    assert choose_unsure(doubt, wrong, share=0.2) == pytest.approx(0.85)
    with pytest.raises(ValueError, match="either"):
        choose_unsure(doubt, wrong)


def test_equal_doubts_are_answered_together_or_not_at_all() -> None:
    limit = choose_unsure([0.2, 0.5, 0.5, 0.5], [False, False, False, True], accuracy=0.95)
    assert limit == pytest.approx(0.35)


def test_the_gate_keeps_its_own_and_refuses_what_it_can() -> None:
    random = np.random.default_rng(0)
    own, foreign = random.beta(9, 1.5, 1000), random.beta(1.2, 7, 1000)
    choice = choose_gate(own, [foreign], keep=0.97)
    assert choice.kept >= 0.97
    assert choice.kept == (own >= choice.threshold).mean()
    assert choice.refused == (foreign < choice.threshold).mean()
    assert choice.refused >= 0.97
    overlapping = choose_gate(own, [1 - own], keep=0.97), choose_gate(own, [own], keep=0.97)
    assert all(found.kept >= 0.97 for found in overlapping)


def test_between_two_kinds_far_apart_the_gate_lies_in_the_middle() -> None:
    choice = choose_gate([0.9] * 50, [[0.1] * 50])
    assert choice == pytest.approx((0.5, 1.0, 1.0))
    assert choose_gate([0.9] * 9, []).threshold == pytest.approx(0.45)


def test_many_easy_pictures_do_not_hide_a_kind_that_is_hard_to_tell() -> None:
    easy, hard = [0.01] * 500, [0.6] * 10
    assert choose_gate([0.9] * 50, [easy, hard]).threshold > 0.6
    assert choose_gate([0.9] * 50, [easy + hard]).threshold < 0.6, "together they would"
    assert choose_gate([0.9] * 50, [easy + hard], refuse=0.99).threshold > 0.6, "nor where that much is asked for"
