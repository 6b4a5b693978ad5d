"""What training makes small, and what it watches."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BORDER = 31
"""Side in pixels of the window in which a pixel looks for the other class."""


def segmentation_loss(logits: Tensor, truth: Tensor, border_weight: float = 0.0) -> Tensor:
    """Cross-entropy plus soft Dice loss of every image, both weighted towards outlines; then the mean.

    A pixel weighs 1 + border_weight · |share of object around it − its own label| (Wei et al. 2020, F3Net).
    The Dice of an image is (2·Σwpt + 1) / (Σwp + Σwt + 1): an empty image is answered best by an empty mask.

    Args:
        logits: (n, 1, h, w).
        truth: (n, 1, h, w), 0 or 1.
    """
    logits = logits.float()
    weight = 1 + border_weight * (surroundings(truth) - truth).abs() if border_weight else torch.ones_like(truth)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    entropy = (weight * entropy).sum((1, 2, 3)) / weight.sum((1, 2, 3))
    probability = logits.sigmoid()
    shared = (weight * probability * truth).sum((1, 2, 3))
    both = (weight * (probability + truth)).sum((1, 2, 3))
    return (entropy + 1 - (2 * shared + 1) / (both + 1)).mean()


def surroundings(truth: Tensor) -> Tensor:
    """Share of object in the window around every pixel, outside the image not counted; in two passes for speed."""
    rows = F.avg_pool2d(truth, (BORDER, 1), 1, (BORDER // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, BORDER), 1, (0, BORDER // 2), count_include_pad=False)


@torch.no_grad()
def agreement(logits: Tensor, truth: Tensor) -> Tensor:
    """Pixel accuracy, IoU and Dice of every image at probability one half; both-empty images have 1.

    Returns:
        (n, 3) float64.
    """
    predicted, true = (logits > 0).flatten(1), (truth > 0.5).flatten(1)
    shared = (predicted & true).sum(1).double()
    both = (predicted.sum(1) + true.sum(1)).double()
    empty = both == 0
    right = (predicted == true).double().mean(1)
    overlap = torch.where(empty, 1.0, shared / (both - shared).clamp(min=1))
    dice = torch.where(empty, 1.0, 2 * shared / both.clamp(min=1))
    return torch.stack([right, overlap, dice], 1)
