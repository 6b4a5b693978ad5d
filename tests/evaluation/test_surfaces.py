from __future__ import annotations

import math
import warnings

import cv2
import numpy as np
import pytest
import torch

from atisbo.evaluation.surfaces import hd95


def blob(seed: int, size: tuple[int, int] = (70, 90)) -> np.ndarray:
    random = np.random.default_rng(seed)
    mask = np.zeros(size, np.uint8)
    for _ in range(int(random.integers(1, 4))):
        centre = (int(random.integers(0, size[1])), int(random.integers(0, size[0])))
        axes = (int(random.integers(2, 25)), int(random.integers(2, 20)))
        cv2.ellipse(mask, centre, axes, float(random.uniform(0, 180)), 0, 360, 1, -1)
    return mask > 0


@pytest.mark.parametrize("seed", range(12))
def test_it_is_that_of_monai(seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.metrics import compute_hausdorff_distance

        predicted, truth = blob(seed), blob(100 + seed)
        sides = (torch.from_numpy(mask)[None, None] for mask in (predicted, truth))
        theirs = compute_hausdorff_distance(*sides, include_background=True, percentile=95)
    assert hd95(predicted, truth) == pytest.approx(float(theirs), abs=1e-3)


def test_a_shift_is_its_length() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:20, 10:20] = True
    assert hd95(np.roll(truth, 3, axis=1), truth) == 3
    assert hd95(truth, truth) == 0


def test_a_mask_without_a_pixel_has_no_outline() -> None:
    nothing, all_of_it = np.zeros((5, 5), bool), np.ones((5, 5), bool)
    assert all(math.isnan(hd95(*pair)) for pair in ((nothing, all_of_it), (all_of_it, nothing), (nothing, nothing)))
    assert hd95(all_of_it, all_of_it) == 0
