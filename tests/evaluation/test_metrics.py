from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from atisbo.domain import overlap
from atisbo.domain.overlap import Counts
from atisbo.errors import Invalid
from atisbo.evaluation.metrics import MEANINGS, SIZES, count, object_size, of_counts, outlined

SHAPE = (23, 31)


def pair(seed: int, share: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.random(SHAPE) < share, random.random(SHAPE) < share


@pytest.mark.parametrize("seed", range(5))
def test_the_figures_are_those_of_scikit_learn(seed: int) -> None:
    predicted, truth = pair(seed, share=0.1 + 0.15 * seed)
    counts, p, t = count(predicted, truth), predicted.ravel(), truth.ravel()
    assert overlap.dice(counts) == pytest.approx(f1_score(t, p))
    assert overlap.iou(counts) == pytest.approx(jaccard_score(t, p))
    assert overlap.accuracy(counts) == pytest.approx(accuracy_score(t, p))
    assert overlap.precision(counts) == pytest.approx(precision_score(t, p))
    assert overlap.recall(counts) == pytest.approx(recall_score(t, p))
    assert overlap.specificity(counts) == pytest.approx(recall_score(~t, ~p))


def test_dice_and_iou_are_those_of_monai_empty_masks_included() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics import compute_dice, compute_iou
    nothing = np.zeros(SHAPE, bool)
    pairs = [pair(1), pair(2), (pair(3)[0], nothing), (nothing, pair(4)[1]), (nothing, nothing)]
    predicted, truth = (torch.from_numpy(np.stack(side))[:, None] for side in zip(*pairs, strict=True))
    dice = compute_dice(predicted, truth, ignore_empty=False).flatten().tolist()
    iou = compute_iou(predicted, truth, ignore_empty=False).flatten().tolist()
    counts = [count(*one) for one in pairs]
    assert [overlap.dice(one) for one in counts] == pytest.approx(dice)
    assert [overlap.iou(one) for one in counts] == pytest.approx(iou)


def test_counts_add_up() -> None:
    assert Counts(1, 2, 3, 4) + Counts(1, 1, 1, 1) == Counts(2, 3, 4, 5)
    predicted, truth = pair(0)
    assert sum(count(predicted, truth)) == truth.size


def test_where_nothing_is_predicted_or_true_there_is_no_figure() -> None:
    assert math.isnan(overlap.precision(Counts(0, 0, 5, 5)))
    assert math.isnan(overlap.recall(Counts(0, 5, 0, 5)))
    assert math.isnan(overlap.specificity(Counts(5, 0, 5, 0)))


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(Invalid, match=r"\(2, 2\), the true one \(3, 3\)"):
        count(np.zeros((2, 2), bool), np.zeros((3, 3), bool))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(6, 2, 2, 90), {"dice": 0.75, "dice_object": 0.75, "found": 1.0}),
        (Counts(1, 0, 9, 90), {"found": 0.0}),
        (Counts(0, 0, 0, 100), {"dice": 1.0, "empty_right": 1.0}),
        (Counts(0, 1, 0, 99), {"dice": 0.0, "empty_right": 0.0}),
    ],
)
def test_an_image_says_only_what_it_can(counts: Counts, expected: dict[str, float]) -> None:
    figures = of_counts(counts)
    assert expected.items() <= {name: value for name, value in figures.items() if not math.isnan(value)}.items()
    shows = counts.tp + counts.fn > 0
    assert math.isnan(figures["empty_right"]) == shows
    assert {math.isnan(figures[name]) for name in ("dice_object", "found", "recall")} == {not shows}


def test_without_an_object_there_is_no_precision() -> None:
    assert math.isnan(of_counts(Counts(0, 5, 0, 95))["precision"])
    assert of_counts(Counts(5, 5, 0, 90))["precision"] == 0.5


def test_an_outlined_image_has_every_figure() -> None:
    truth = np.zeros((30, 40), bool)
    truth[10:20, 10:30] = True
    probabilities = np.where(truth, 0.9, 0.2)
    figures = outlined(np.roll(truth, 2, axis=1), truth, probabilities)
    assert figures.keys() == MEANINGS.keys()
    assert figures["mae"] == pytest.approx((200 * 0.1 + 1000 * 0.2) / 1200)
    assert (figures["hd95"], figures["hd95_percent"]) == (2.0, pytest.approx(4.0))
    assert figures["dice"] == pytest.approx(0.9)
    assert figures["mdice_pranet"] > figures["dice"]


@pytest.mark.parametrize(("pixels", "expected"), [(0, 0), (1, 1), (100, 1), (101, 2), (500, 2), (1500, 3), (1501, 4)])
def test_objects_are_sorted_by_the_share_they_take(pixels: int, expected: int) -> None:
    truth = np.zeros(10000, bool)
    truth[:pixels] = True
    assert object_size(truth.reshape(100, 100)) == SIZES[expected]
