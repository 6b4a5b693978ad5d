from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torch.nn import functional

from atisbo.training.loss import (
    BORDER,
    agreement,
    area_under_curve,
    balanced_weights,
    classification_loss,
    segmentation_loss,
    surroundings,
)


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


def test_several_outlines_count_alike() -> None:
    torch.manual_seed(1)
    truth, logits = masks(4).reshape(2, 2, 40, 40), torch.randn(2, 2, 40, 40)
    both = segmentation_loss(logits, truth, 2.0)
    parts = [segmentation_loss(logits[:, i : i + 1], truth[:, i : i + 1], 2.0) for i in range(2)]
    assert both.item() == pytest.approx(sum(part.item() for part in parts) / 2, abs=1e-6)
    assert agreement(logits, truth).shape == (2, 3)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = torch.tensor([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    weights = balanced_weights(torch.bincount(labels))
    assert weights.tolist() == pytest.approx(expected.tolist())
    assert weights[labels].mean().item() == pytest.approx(1)


def test_shares_of_classes_cost_their_share() -> None:
    logits = torch.tensor([[2.0, -1.0, 0.5]])
    whole = [classification_loss(logits, torch.eye(3)[i : i + 1]).item() for i in range(3)]
    mixed = classification_loss(logits, torch.tensor([[0.25, 0.75, 0.0]])).item()
    assert mixed == pytest.approx(0.25 * whole[0] + 0.75 * whole[1])
    smooth = classification_loss(logits, torch.eye(3)[:1], label_smoothing=0.3).item()
    assert smooth == pytest.approx(0.7 * whole[0] + 0.3 * sum(whole) / 3)
    assert classification_loss(logits, torch.eye(3)[:1], torch.tensor([2.0, 1, 1])).item() == pytest.approx(
        2 * whole[0]
    )


def test_the_area_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    torch.manual_seed(0)
    truth, scores = torch.rand(60) > 0.6, torch.randint(0, 9, (60,)).double()
    assert area_under_curve(scores, truth) == pytest.approx(roc_auc_score(truth.numpy(), scores.numpy()))
    assert area_under_curve(scores, torch.ones(60, dtype=torch.bool)) == 0.5
