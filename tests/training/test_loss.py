from __future__ import annotations

import warnings

import pytest
import torch
from torch.nn import functional

from atisbo.training.loss import BORDER, agreement, segmentation_loss, surroundings


def masks(count: int, side: int = 40) -> torch.Tensor:
    grid = torch.arange(side)
    squares = [((grid > 5 + i) & (grid < 20 + i)).float() for i in range(count)]
    return torch.stack([square[:, None] * square[None, :] for square in squares])[:, None]


def test_without_weights_it_is_cross_entropy_plus_the_dice_loss_of_monai() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from monai.losses import DiceLoss
    torch.manual_seed(0)
    truth, logits = masks(3), torch.randn(3, 1, 40, 40)
    other = DiceLoss(sigmoid=True, smooth_nr=1, smooth_dr=1)(logits, truth)
    expected = other + functional.binary_cross_entropy_with_logits(logits, truth)
    assert segmentation_loss(logits, truth).item() == pytest.approx(expected.item(), abs=1e-6)


def test_the_window_in_two_passes_is_the_window() -> None:
    truth = masks(2)
    whole = functional.avg_pool2d(truth, BORDER, 1, BORDER // 2, count_include_pad=False)
    assert torch.allclose(surroundings(truth), whole, atol=1e-6)


def test_a_fault_at_the_border_costs_more_than_one_far_away() -> None:
    truth = torch.zeros(1, 1, 80, 80)
    truth[..., :40, :] = 1
    right = torch.where(truth > 0, 4.0, -4.0)
    near, far = right.clone(), right.clone()
    near[..., 40:42, :] = 4
    far[..., 76:78, :] = 4
    assert segmentation_loss(near, truth, 4.0) > segmentation_loss(far, truth, 4.0)
    assert segmentation_loss(near, truth).item() == pytest.approx(segmentation_loss(far, truth).item(), abs=1e-5)


def test_an_empty_image_is_answered_best_by_nothing() -> None:
    truth = torch.zeros(1, 1, 32, 32)
    silent, loud = torch.full((1, 1, 32, 32), -9.0), torch.full((1, 1, 32, 32), 0.0)
    assert segmentation_loss(silent, truth) < 0.2
    assert segmentation_loss(loud, truth) > 1


def test_agreement_by_hand() -> None:
    truth = torch.zeros(3, 1, 2, 2)
    truth[0, 0, 0] = 1
    logits = torch.full((3, 1, 2, 2), -1.0)
    logits[0, 0, 0, 0] = logits[0, 0, 1, 0] = logits[2, 0, 0, 0] = 1
    found = agreement(logits, truth)
    assert found[0].tolist() == pytest.approx([0.5, 1 / 3, 0.5])
    assert found[1].tolist() == [1, 1, 1]
    assert found[2].tolist() == [0.75, 0, 0]
